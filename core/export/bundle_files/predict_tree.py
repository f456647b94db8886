"""文字 → 標籤。Label texts with the tree in this folder; needs what requirements.txt names, nothing else.

    python predict.py "一段文字" "另一段文字"
    python predict.py --file texts.jsonl            (.jsonl, .txt with one text a line, or .csv; "-" reads lines)
    python predict.py --file texts.csv --column content --most 10 > labels.jsonl

One line of JSON a text: its labels, their names, and the probabilities of its likeliest labels. As a module:

    from predict import Student
    Student().ranked(["一段文字"])                    # numpy arrays: labels' positions and probabilities, best first
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from common import BundleError, normalize, read_texts, verify

HERE = Path(__file__).resolve().parent
NEEDED = ("common.py", "labels.json", "student.json", "tree.npz")
FORMAT = 1
MOST = 64  # labels of a text that are looked at
BITS = 21  # a character fits in 21 bits, so three fit in one int64
CHUNK = 1000  # texts at a time


class Student:
    """The tree: texts in, each text's likeliest labels out."""

    def __init__(self, folder: str | Path = HERE) -> None:
        """Raises BundleError: a file is missing or damaged, or a package is not installed."""
        try:
            import numpy as np
            import scipy.sparse  # noqa: F401
        except ImportError as error:
            raise BundleError(f"請先執行 / first run: pip install -r requirements.txt ({error})") from error
        folder = Path(folder)
        verify(folder, NEEDED)
        about = json.loads((folder / "student.json").read_text(encoding="utf-8"))
        if about.get("format") != FORMAT or about.get("kind") != "tree":
            raise BundleError(
                f"這個 predict.py 讀不了此格式 / this predict.py cannot read format {about.get('format')}"
            )
        self.labels = json.loads((folder / "labels.json").read_text(encoding="utf-8"))
        with np.load(folder / "tree.npz", allow_pickle=False) as found:
            given = {name: found[name] for name in found.files}
        self._grams, self._idf, self._seen = given["grams"], given["idf"], given["seen"]
        self._curve, self._beam = given["curve"].tolist(), int(given["beam"])
        self._levels = [_level(given, n) for n in range(int(given["levels"]))]

    @property
    def keys(self) -> list[str]:
        return [label["key"] for label in self.labels]

    def ranked(self, texts: list[str], *, most: int = MOST):
        """Positions of the likeliest labels (-1 behind the last) and their probabilities, a row a text."""
        import numpy as np

        parts = [self._ranked(texts[at : at + CHUNK], most) for at in range(0, len(texts), CHUNK)]
        if not parts:
            return np.zeros((0, most), dtype=np.int64), np.zeros((0, most), dtype=np.float32)
        return tuple(np.concatenate([part[n] for part in parts]) for n in (0, 1))

    def _ranked(self, texts: list[str], most: int):
        import numpy as np

        rows, sent = self._rows(texts), None
        for level in self._levels[:-1]:
            labels, scores = _best(level, rows, sent, self._beam, _multiplied)
            sent = _sparse(labels, scores, level["labels"])
        a, b, c = self._curve
        most = min(most, len(self._seen))
        labels, logits = _best(self._levels[-1], rows, sent, most, lambda paths, own: a * own + b * paths + c)
        known = labels >= 0
        p = np.where(known, 1 / (1 + np.exp(-np.where(known, logits, 0))), 0)
        return np.where(known, self._seen[np.where(known, labels, 0)], -1), p.astype(np.float32)

    def _rows(self, texts: list[str]):
        """Weighted grams of one, two and three characters, rows of length one."""
        import numpy as np
        import scipy.sparse as sp

        owners, codes = _grams(texts)
        shape = (len(texts), len(self._grams))
        if not len(self._grams) or not len(codes):
            return sp.csr_matrix(shape, dtype=np.float32)
        column = np.searchsorted(self._grams, codes).clip(max=len(self._grams) - 1)
        known = self._grams[column] == codes
        counts = np.ones(int(known.sum()), dtype=np.float32)
        rows = sp.coo_matrix((counts, (owners[known], column[known])), shape=shape).tocsr()
        rows.data = (1 + np.log(rows.data)) * self._idf[rows.indices]
        lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
        rows.data /= np.repeat(lengths, np.diff(rows.indptr)).astype(np.float32)
        return rows

    def predict(self, texts: list[str], *, most: int = 10) -> list[dict]:
        """A dict a text: keys of its labels, their names, and the probabilities of its likeliest labels."""
        answers = []
        labels, probs = self.ranked(texts)
        for row, p in zip(labels.tolist(), probs.tolist()):  # noqa: B905
            listed = [(self.labels[k], q) for k, q in zip(row, p) if k >= 0]  # noqa: B905
            chosen = [label for label, q in listed if q >= label["threshold"]]
            answers.append(
                {
                    "labels": [label["key"] for label in chosen],
                    "names": [label["zh"] or label["key"] for label in chosen],
                    "probabilities": {label["key"]: round(q, 6) for label, q in listed[:most]},
                }
            )
        return answers


def _grams(texts: list[str]):
    """Every gram as one number, and the text it stands in."""
    import numpy as np

    cleaned = [normalize(text).lower() for text in texts]
    owner = np.repeat(np.arange(len(cleaned)), [len(text) for text in cleaned])
    c = np.frombuffer("".join(cleaned).encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    codes, owners = [c], [owner]
    for n in (2, 3):
        if len(c) < n:
            break
        inside = owner[n - 1 :] == owner[: -(n - 1)]  # no gram reaches into the next text
        code = c[n - 1 :].copy()
        for back in range(1, n):
            code |= c[n - 1 - back : len(c) - back] << (BITS * back)
        codes.append(code[inside])
        owners.append(owner[n - 1 :][inside])
    return np.concatenate(owners), np.concatenate(codes)


def _level(given: dict, n: int) -> dict:
    """One level's machines, cluster by cluster."""
    import numpy as np
    import scipy.sparse as sp

    def parts(name: str, sizes):
        return np.split(given[f"{name}_{n}"], np.cumsum(sizes)[:-1])

    labels, columns = given[f"label_sizes_{n}"], given[f"column_sizes_{n}"]
    rows = parts("row_sizes", columns)
    weights = [int(each.sum()) for each in rows]
    blocks = []
    for own, wide, sizes, at, values, offsets in zip(  # noqa: B905
        parts("labels", labels), parts("columns", columns), rows, parts("indices", weights), parts("weights", weights),
        parts("offsets", labels),
    ):  # fmt: skip
        starts = np.concatenate([[0], np.cumsum(sizes)])
        blocks.append((own, wide, sp.csr_matrix((values, at, starts), shape=(len(wide), len(own))), offsets))
    return {"blocks": blocks, "labels": len(given[f"cluster_{n}"])}


def _margins(block, rows):
    """Margins of a cluster's machines. (n, F) → (n, m)"""
    import numpy as np
    import scipy.sparse as sp

    _, columns, weights, offsets = block
    if not len(columns):
        return np.tile(offsets, (rows.shape[0], 1))
    at = np.searchsorted(columns, rows.indices)
    at[at == len(columns)] = 0
    known = columns[at] == rows.indices
    starts = np.concatenate([[0], np.cumsum(known)])[rows.indptr]
    own = sp.csr_matrix((rows.data[known], at[known], starts), shape=(rows.shape[0], len(columns)))
    return np.asarray((own @ weights).toarray(), dtype=np.float32) + offsets


def _multiplied(paths, margins):
    """The logarithm of a path's score, one step longer."""
    import numpy as np

    return paths - np.maximum(0, 1 - margins.astype(np.float64)) ** 3


def _best(level: dict, rows, sent, most: int, combine):
    """The best of each text, among the clusters that it is sent to. → labels (n, most), scores (n, most)"""
    import numpy as np

    n = rows.shape[0]
    asked = None if sent is None else sent.tocsc()
    texts, labels, scores = [], [], []
    for c, block in enumerate(level["blocks"]):
        part = slice(0, 0) if asked is None else slice(asked.indptr[c], asked.indptr[c + 1])
        at = np.arange(n) if asked is None else asked.indices[part]
        if not len(at):
            continue
        paths = np.zeros((n, 1)) if asked is None else asked.data[part, None]
        values = np.asarray(combine(paths, _margins(block, rows[at])), dtype=np.float64)
        best = np.argsort(-values, axis=1, kind="stable")[:, :most]
        texts.append(np.repeat(at, best.shape[1]))
        labels.append(block[0][best].ravel())
        scores.append(np.take_along_axis(values, best, axis=1).ravel())
    found, worth = np.full((n, most), -1, dtype=np.int64), np.full((n, most), -np.inf)
    if texts:
        text, label, score = (np.concatenate(each) for each in (texts, labels, scores))
        order = np.lexsort((label, -score, text))
        text, label, score = text[order], label[order], score[order]
        place = np.arange(len(text)) - np.searchsorted(text, text)
        first = place < most
        found[text[first], place[first]], worth[text[first], place[first]] = label[first], score[first]
    return found, worth


def _sparse(labels, scores, width: int):
    """Lists as rows: a score of 0 stays stored, for it is a candidate too."""
    import numpy as np
    import scipy.sparse as sp

    known = labels >= 0
    starts = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
    return sp.csr_matrix((scores[known], labels[known], starts), shape=(len(labels), width))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="文字 → 標籤 / texts to labels")
    parser.add_argument("text", nargs="*", help="文字 / texts")
    parser.add_argument("--file", metavar="PATH", help=".jsonl, .txt, .csv, - (標準輸入 / standard input)")
    parser.add_argument("--column", default="text", help="文字欄名 / column that holds the text")
    parser.add_argument("--most", type=int, default=10, help="列出幾個機率 / probabilities that are listed")
    options = parser.parse_args(arguments)
    if not options.file and not any(text.strip() for text in options.text):
        parser.error('請給文字或 --file / give a text or --file, e.g. python predict.py "一段文字"')
    for stream in (sys.stdin, sys.stdout, sys.stderr):  # consoles with another code page
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        student = Student()
        found = [(None, text) for text in options.text]
        if options.file:
            found += read_texts(options.file, options.column)
        for start in range(0, len(found), CHUNK):
            part = found[start : start + CHUNK]
            answers = student.predict([t for _, t in part], most=options.most)
            for (key, text), answer in zip(part, answers):  # noqa: B905
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
