"""文字 → 標籤。Label texts with the model in this folder; needs what requirements.txt names, nothing else.

    python predict.py "一段文字" "另一段文字"
    python predict.py --file texts.jsonl            (.jsonl, .txt with one text a line, or .csv; "-" reads lines)
    python predict.py --file texts.csv --column content > labels.jsonl

One line of JSON a text: its labels, their names and every label's probability. As a module:

    from predict import Student
    Student().probabilities(["一段文字"])             # numpy array, one row a text, one column a label
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import sys
import unicodedata
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
NEEDED = ("labels.json", "student.json")
FORMAT = 1
PAD, UNK = 0, 1
LONGEST_LINE = 64 * 1024 * 1024
SUSPECT = re.compile(  # where control and format characters and surrogates lie
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb"
    "\U000110b0-\U000110cf\U00013400-\U0001345f\U0001bca0-\U0001bcaf\U0001d170-\U0001d17f\U000e0000-\U000e0fff]"
)


class BundleError(Exception):
    """This folder or the input cannot be used as it is; the message says why, in Chinese and in English."""


class Student:
    """The trained model: texts in, probabilities and labels out."""

    def __init__(self, folder: str | Path = HERE, *, threads: int = 0, int8: bool = False) -> None:
        """Raises BundleError: a file is missing or damaged, a package is not installed, or there is no ``int8``."""
        folder = Path(folder)
        verify(folder)
        about = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        if (given := about.get("format")) != FORMAT:
            raise BundleError(f"這個 predict.py 讀不了此格式 / this predict.py cannot read format {given}")
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        if about.get("alone") is False:
            raise BundleError("這個模型只能在標註系統裡使用 / only the app can run this model")
        self.max_tokens, self._pad = int(about["max_tokens"]), int(about.get("pad", PAD))
        if int8 and not about.get("int8"):
            raise BundleError("這個匯出沒有 int8 版本 / this export has no int8 variant")
        model, reader = "model.int8.onnx" if int8 else "model.onnx", about.get("reader") or "vocab"
        verify(folder, (model, f"{reader}.json"))
        self._tokens = (_pieces if reader == "tokenizer" else _words)(folder, about)
        self._convert = converter(about.get("conversion", ""))
        self._session = _session(folder / model, threads)
        self._masked = "mask" in [each.name for each in self._session.get_inputs()]
        self._revise, self._outputs = reviser(about.get("revision") or {}, folder)

    @property
    def keys(self) -> list[str]:
        return [label["key"] for label in self.labels]

    @property
    def thresholds(self) -> list[float]:
        return [label["threshold"] for label in self.labels]

    def encode(self, text: str) -> list[int]:
        """The text as positions in the vocabulary; what lies beyond the model's length is cut off."""
        return self._tokens(self._convert(normalize(text)))[: self.max_tokens]

    def probabilities(self, texts: list[str], *, batch: int = 64):
        """One row a text, one column a label, in the order of ``keys``."""
        import numpy as np

        rows = [self.encode(text) for text in texts]
        out = np.zeros((len(rows), len(self.labels)), dtype=np.float32)
        order = sorted(range(len(rows)), key=lambda n: len(rows[n]))  # like lengths together: less padding
        for start in range(0, len(order), batch):
            part = order[start : start + batch]
            width = max(1, len(rows[part[-1]]))
            tokens = np.full((len(part), width), self._pad, dtype=np.int64)
            for at, n in enumerate(part):
                tokens[at, : len(rows[n])] = rows[n]
            given = {"tokens": tokens}
            if self._masked:
                given["mask"] = np.arange(width) < np.array([[len(rows[n])] for n in part])
            out[part] = _sigmoid(self._revise(*self._session.run(self._outputs, given)))
        return out

    def predict(self, texts: list[str]) -> list[dict]:
        """A dict a text: keys of its labels, their names, and all probabilities."""
        answers = []
        for row in self.probabilities(texts).tolist():
            chosen = [label for label, p in zip(self.labels, row) if p >= label["threshold"]]  # noqa: B905
            answers.append(
                {
                    "labels": [label["key"] for label in chosen],
                    "names": [label["zh"] or label["key"] for label in chosen],
                    "probabilities": {key: round(p, 6) for key, p in zip(self.keys, row)},  # noqa: B905
                }
            )
        return answers


def _words(folder: Path, about: dict):
    """From a text to positions of its words in this model's own vocabulary."""
    tokens = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    position, segment = {token: n for n, token in enumerate(tokens) if n > UNK}, segmenter(about["segmenter"])
    return lambda text: [position.get(token, UNK) for token in segment(text)]


def _pieces(folder: Path, about: dict):
    """From a text to an encoder's tokens, its marks included; words for marks in a text are words."""
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise _not_installed(error) from error
    found = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found.encode_special_tokens = True
    return lambda text: found.encode(text).ids


def reviser(revision: dict, folder: Path):
    """What the model's round does to its logits, and the outputs that it needs: neighbours, then calibration.

    Raises BundleError: the neighbours' file is missing or damaged.
    """
    steps, near, calibration = [], revision.get("neighbours"), revision.get("calibration")
    if near:
        verify(folder, ("neighbours.npz",))
        steps.append(_neighbours(folder / "neighbours.npz", **near))
    if calibration:
        steps.append(_calibration(**calibration))

    def revise(logits, places=None):
        logits = logits.astype("float64")
        for step in steps:
            logits = step(logits, places)
        return logits

    return revise, ["logits", "places"] if near else ["logits"]


def _neighbours(path: Path, nearest: int, width: float, share: float):
    """Probabilities drawn towards the labels of the nearest training texts, whose places and labels alone are here."""
    import numpy as np

    with np.load(path, allow_pickle=False) as found:
        there, carried = found["places"].astype(np.float64), found["y"].astype(np.float64)
    squares = np.square(there).sum(axis=1)
    nearest, slack = min(nearest, len(there)), 1e-5 * squares.max() ** 0.5

    def revise(logits, places):
        out = np.empty_like(logits)
        for n, place in enumerate(places.astype(np.float64)):
            distances = np.sqrt((np.square(place).sum() + squares - 2 * there @ place).clip(min=0))
            weights = np.exp((distances.min() - distances) / width)
            weights[distances > np.partition(distances, nearest - 1)[nearest - 1] + slack] = 0
            p = (1 - share) * _sigmoid(logits[n]) + share * (weights / weights.sum()) @ carried
            out[n] = _logit(p.clip(1e-12, 1 - 1e-12))
        return out

    return revise


def _calibration(scale, offset, curves, methods):
    """Logits that say how often they are right: a line for each label, or a curve."""
    import numpy as np

    def revise(logits, places):
        out = logits * np.array(scale) + np.array(offset)
        for k, (x, shares) in curves.items():
            p = 0.99 * np.interp(logits[:, int(k)], x, shares) + 0.01 * _sigmoid(out[:, int(k)])
            with np.errstate(divide="ignore"):
                out[:, int(k)] = _logit(p)
        return out.clip(-30, 30)

    return revise


def _sigmoid(logits):
    import numpy as np

    return 0.5 * (1 + np.tanh(0.5 * logits))  # it cannot overflow


def _logit(p):
    import numpy as np

    return np.log(p) - np.log1p(-p)


def verify(folder: Path, names: tuple = NEEDED) -> None:
    """Compare the files with SHA256SUMS. Raises BundleError: one is missing, or not what was exported."""
    try:
        lines = (folder / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BundleError(f"讀不到 SHA256SUMS,請重新解壓縮 / cannot read SHA256SUMS, unpack again: {error}") from error
    sums = {name.strip(): digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in names:
        try:
            found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        except OSError as error:
            raise BundleError(f"缺少 {name},請重新解壓縮 / {name} is missing, unpack again") from error
        if found != sums.get(name):
            raise BundleError(f"{name} 已損壞,請重新下載 / {name} is damaged, download again")


def _session(path: Path, threads: int):
    try:
        import onnxruntime
    except ImportError as error:
        raise _not_installed(error) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or min(4, os.cpu_count() or 1)
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def normalize(text: str) -> str:
    """NFKC, without control and format characters, blanks single."""
    text = unicodedata.normalize("NFKC", text)
    if SUSPECT.search(text):
        text = unicodedata.normalize("NFKC", SUSPECT.sub(_kept, text))
    return " ".join(text.split())


def _kept(found) -> str:
    return "" if unicodedata.category(found[0]) in ("Cc", "Cf", "Cs") else found[0]


def converter(name: str):
    """Simplified or traditional characters as the model has learned them; none for the empty name.

    Raises BundleError: opencc is not installed, or has no such conversion.
    """
    if not name:
        return lambda text: text
    try:
        from opencc import OpenCC

        return OpenCC(name).convert
    except ImportError as error:
        raise _not_installed(error) from error
    except RuntimeError as error:
        raise BundleError(f"opencc 沒有這種轉換 / opencc has no such conversion: {name} ({error})") from error


def segmenter(name: str):
    """Raises BundleError: the model was made with a segmenter that this file or this computer does not have."""
    patterns = {"characters": r"[a-z]+|[0-9]+|\S", "words": r"\w+|[^\w\s]"}
    if name in patterns:
        find = re.compile(patterns[name]).findall
        return lambda text: find(text.lower())
    if name not in ("rjieba", "jieba", "ckip"):
        raise BundleError(f"沒有這個斷詞器 / no such segmenter: {name}")
    try:
        if name == "ckip":
            return _ckip()
        if name == "jieba":
            cut = _jieba()
        else:
            from rjieba import cut
    except ImportError as error:
        raise _not_installed(error) from error
    return lambda text: [token for token in cut(text.lower()) if not token.isspace()]


def _jieba():
    """Its dictionary is read here and not by itself: that would go through a file that all users of /tmp share."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    own = jieba.Tokenizer()
    with own.get_dict_file() as file:
        own.FREQ, own.total = own.gen_pfdict(file)
    own.initialized = True
    return own.cut


def _ckip():
    """CKIP's network beside this model's own: CKIP_MODEL is its folder, or its name on a hub that can be reached."""
    try:
        from ckip_transformers.nlp import CkipWordSegmenter
    except ImportError as error:
        raise BundleError(
            "這個模型用 CKIP 斷詞，請先執行 pip install -r requirements.txt，並用 CKIP_MODEL 指定斷詞模型的資料夾 / "
            "this model reads words that CKIP cuts: pip install -r requirements.txt, and name the folder of its "
            f"model in CKIP_MODEL ({error})"
        ) from error
    model = os.environ.get("CKIP_MODEL") or "bert-base"
    try:
        driver = CkipWordSegmenter(model_name=CkipWordSegmenter._model_names.get(model, model))
    except Exception as error:  # a hub, a folder and a damaged file fail in as many ways as there are
        said = next(iter(str(error).strip().splitlines()), "")[:160]
        raise BundleError(
            f"無法載入斷詞模型 {model}，請用 CKIP_MODEL 指定它的資料夾 / the segmenter's model {model} cannot be had: "
            f"name its folder in CKIP_MODEL ({type(error).__name__}: {said})"
        ) from error
    limit = min(driver.tokenizer.model_max_length, getattr(driver.model.config, "max_position_embeddings", 512)) - 3

    def cut(text: str) -> list[str]:
        words = driver([text.lower()], max_length=limit, show_progress=False)[0] if text else []
        return [piece for word in words for piece in word.split()]

    return cut


def _not_installed(error: ImportError) -> BundleError:
    return BundleError(f"請先執行 / first run: pip install -r requirements.txt ({error})")


def read_texts(path: str, column: str):
    """Yields (id or None, text). Raises BundleError: not readable as its ending says."""
    try:
        if path == "-":
            yield from ((None, line.rstrip("\r\n")) for line in sys.stdin)
            return
        with open(path, encoding="utf-8-sig", newline="") as file:
            ending = path.lower().rpartition(".")[2]
            if ending in ("jsonl", "ndjson"):
                yield from _read_jsonl(file, column)
            elif ending == "csv":
                yield from _read_csv(file, column)
            elif ending == "txt":
                yield from ((None, line.rstrip("\r\n")) for line in file)
            else:
                raise BundleError(f"只讀 .jsonl、.txt、.csv / only .jsonl, .txt, .csv: {path}")
    except UnicodeDecodeError as error:
        raise BundleError(f"{path} 不是 UTF-8 / is not UTF-8 (byte {error.start})") from error
    except (OSError, csv.Error) as error:
        raise BundleError(f"讀不到 {path} / cannot read {path}: {error}") from error


def _read_jsonl(file, column: str):
    for number, line in enumerate(file, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            text = row[column]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BundleError(f"第 {number} 行沒有「{column}」 / line {number} has no {column!r}") from error
        if not isinstance(text, str):
            raise BundleError(f"第 {number} 行「{column}」不是文字 / line {number}: {column!r} is no text")
        yield row.get("id"), text


def _read_csv(file, column: str):
    csv.field_size_limit(LONGEST_LINE)
    reader = csv.DictReader(file)
    if column not in (reader.fieldnames or ()):
        have = ", ".join(str(name) for name in reader.fieldnames or ())
        raise BundleError(f"沒有「{column}」欄,現有 / no column {column!r}, there are: {have}")
    for row in reader:
        yield row.get("id"), row[column] or ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="文字 → 標籤 / texts to labels")
    parser.add_argument("text", nargs="*", help="文字 / texts")
    parser.add_argument("--file", metavar="PATH", help=".jsonl, .txt, .csv, - (標準輸入 / standard input)")
    parser.add_argument("--column", default="text", help="文字欄名 / column that holds the text")
    parser.add_argument("--threads", type=int, default=0, help="執行緒 / processor threads")
    parser.add_argument("--int8", action="store_true", help="較快的版本 / the faster variant")
    options = parser.parse_args(arguments)
    if not options.text and not options.file:
        parser.error('請給文字或 --file / give a text or --file, e.g. python predict.py "一段文字"')
    if options.text and not any(text.strip() for text in options.text):
        parser.error("文字是空的 / the text is empty")
    for stream in (sys.stdin, sys.stdout, sys.stderr):  # consoles with another code page
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        student = Student(threads=options.threads, int8=options.int8)
        found = [(None, text) for text in options.text]
        if options.file:
            found += read_texts(options.file, options.column)
        for start in range(0, len(found), 1000):
            part = found[start : start + 1000]
            for (key, text), answer in zip(part, student.predict([t for _, t in part])):  # noqa: B905
                named = {} if key is None else {"id": key}
                print(json.dumps({**named, "text": text, **answer}, ensure_ascii=False))
    except BundleError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()  # the reader has gone, for instance `| head`
    return 0


if __name__ == "__main__":
    sys.exit(main())
