"""The exported student: the same answers as the app, alone, and honest when it is damaged."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.evaluate.calibration import fit
from core.export.bundle import FILES, requirements, write_bundle
from core.models.neighbours import Neighbours
from core.models.registry import build
from core.text.convert import convert
from core.text.encode import encoder
from core.text.normalize import normalize
from core.text.tokenize import reader, segmenter
from core.text.vocab import Vocab
from core.train.checkpoint import load_model, save_model
from core.train.predict import load_student
from core.train.revising import Revision, said_steps
from core.train.scoring import scorer
from tests.core.making import drained

ROOT = Path(__file__).resolve().parents[3]
LABELS = [
    {"key": "notice", "zh": "注意事項", "en": "Precautions", "definition": "要留意的事 | 與禁忌"},
    {"key": "drug", "zh": "藥物", "en": "Medicine", "definition": "藥名與用法"},
    {"key": "senior", "zh": "銀髮族", "en": "Seniors", "definition": ""},
]
CARD = {
    "project": "示範",
    "round": 3,
    "n_train": 120,
    "n_valid": 18,
    "teacher_weights": {"notice": 1.0, "senior": 5.0},
    "warnings": [["FewPositives", {"labels": "senior", "have": 3}]],
    "metrics": [
        {"model": "student", "split": "gold", "scope": scope, "precision": 0.5, "recall": 0.7, "f1": 0.583}
        | {"support": support, "threshold": 0.5, "low": 0.41, "high": 0.72, "n": 60}
        for scope, support in (("notice", 44), ("drug", 21), ("senior", 6), ("macro", 71))
    ],
}
TEXTS = [
    "血壓偏高的人服用藥物前，要先問過醫師。",
    "年長者起身要慢，避免跌倒！",
    "藥",
    "",
    "　 \t",
    "Vitamin D３ 400 IU，ＡＢＣ 與 😀 表情",
    "飯後服用，" * 200,
]


SMALL = {"vector_size": 12, "filters": 8, "hidden": 16, "max_tokens": 120, "rnn_hidden": 8, "gru_hidden": 4}


@pytest.fixture(scope="module")
def student_dir(tmp_path_factory):
    return made(tmp_path_factory.mktemp("student"), RoundConfig(**SMALL))


def made(folder: Path, config: RoundConfig, cut=None) -> Path:
    """A student with a vocabulary from real segmentation and weights that tell texts apart."""
    folder.mkdir(exist_ok=True)
    cut = cut or reader(config.segmenter, config.conversion)
    vocab = Vocab.build([cut(text) for text in TEXTS], min_count=1)
    vectors = np.random.default_rng(0).normal(size=(len(vocab), 12)).astype(np.float32)
    vectors[0] = 0
    model = build(config.arch, vectors, len(LABELS), config, seed=1, breaks=vocab.breaks)
    keys = [label["key"] for label in LABELS]
    save_model(folder, model, vocab, {"config": asdict(config), "label_keys": keys, "thresholds": [0.5, 0.4, 0.3]})
    return folder


@pytest.fixture(scope="module")
def bundle(student_dir, tmp_path_factory):
    return write_bundle(student_dir, LABELS, CARD, tmp_path_factory.mktemp("out") / "student.zip")


@pytest.fixture
def unpacked(bundle, tmp_path):
    with zipfile.ZipFile(bundle) as archive:
        archive.extractall(tmp_path)
    return tmp_path


def predict_module(folder: Path = FILES):
    spec = importlib.util.spec_from_file_location("bundle_predict", folder / "predict.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(folder: Path, *arguments: str, python: str = sys.executable, stdin: str | None = None):
    """In another folder and isolated: only what the bundle and its Python bring along can be imported."""
    command = [python, "-I", str(folder / "predict.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120, input=stdin, encoding="utf-8")


def answers(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_same_student_gives_the_same_bytes(student_dir, bundle, tmp_path):
    # another process: hash seeds and counters of this one must not matter
    code = (
        "import sys, json; from pathlib import Path; from core.export.bundle import write_bundle;"
        "a = json.loads(sys.argv[2]); write_bundle(Path(sys.argv[1]), a[0], a[1], Path(sys.argv[3]))"
    )
    again = tmp_path / "again.zip"
    given = json.dumps([LABELS, CARD])
    subprocess.run([sys.executable, "-c", code, str(student_dir), given, str(again)], check=True, cwd=ROOT, timeout=120)
    assert again.read_bytes() == bundle.read_bytes()


def test_everything_is_in_it_with_its_checksum_and_nothing_of_this_machine(bundle):
    with zipfile.ZipFile(bundle) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert list(files) == sorted(files)
    sums = dict(reversed(line.split("  ")) for line in files["SHA256SUMS"].decode().splitlines())
    assert set(sums) == set(files) - {"SHA256SUMS"}
    assert all(hashlib.sha256(files[name]).hexdigest() == digest for name, digest in sums.items())
    assert {"model.onnx", "vocab.json", "labels.json", "student.json", "MODEL_CARD.md", "predict.py"} < set(sums)
    for content in files.values():
        assert str(ROOT).encode() not in content
        assert b"textcnn.py" not in content


def test_the_card_names_figures_support_interval_and_approximations(bundle):
    with zipfile.ZipFile(bundle) as archive:
        card = archive.read("MODEL_CARD.md").decode()
    assert "| 注意事項 Precautions | 0.583 | 0.410–0.720 | 0.500 | 0.700 | 44 |  |" in card
    assert "| 銀髮族 Seniors | 0.583 | 0.410–0.720 | 0.500 | 0.700 | 6 | 不穩定 unstable |" in card
    assert "要留意的事 \\| 與禁忌" in card
    assert "Word vectors of 12 dimensions; published: 300." in card
    assert "訓練文字 training texts | 120" in card
    assert "| senior | 銀髮族 | Seniors |  | 0.3000 | 5.0 |" in card
    assert "`FewPositives` have = 3, labels = senior" in card
    assert "程式版本 code version | 未知 unknown" in card


def test_it_answers_as_the_app_does_in_a_fresh_environment_without_torch(student_dir, unpacked, tmp_path_factory):
    venv = tmp_path_factory.mktemp("clean") / "venv"
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True, timeout=120)
    python = str(venv / "bin" / "python")
    install = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    needs = ["-r", str(unpacked / "requirements.txt"), "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*install, *needs], check=True, timeout=400, cwd="/")
    probe = subprocess.run([python, "-I", "-c", "import torch"], capture_output=True, text=True)
    assert "No module named 'torch'" in probe.stderr
    expected = load_student(student_dir).probabilities(TEXTS)
    found = answers(run(unpacked, *TEXTS, python=python))
    assert [row["text"] for row in found] == TEXTS
    printed = np.array([list(row["probabilities"].values()) for row in found])
    assert np.abs(printed - expected).max() <= 1e-5
    assert [row["labels"] for row in found] == [
        [label["key"] for label, p, t in zip(LABELS, row, (0.5, 0.4, 0.3), strict=True) if p >= t]
        for row in expected.tolist()
    ]
    code = f"import sys; sys.path.insert(0, {str(unpacked)!r}); from predict import Student; "
    code += "print(Student().probabilities(['藥']).tolist(), 'torch' in sys.modules)"
    module = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, cwd="/", check=True)
    assert module.stdout.endswith("False\n")


def test_the_app_and_the_bundle_agree_to_the_last_digits(student_dir, unpacked):
    student = predict_module(unpacked).Student(unpacked)
    expected = load_student(student_dir).probabilities(TEXTS)
    assert np.abs(student.probabilities(TEXTS) - expected).max() <= 1e-5
    assert np.abs(student.probabilities(TEXTS, batch=1) - expected).max() <= 1e-5
    assert np.ptp(expected, axis=0).max() > 0.01  # the texts are told apart at all
    assert student.probabilities([]).shape == (0, 3)
    assert student.thresholds == [0.5, 0.4, 0.3]


COPY = predict_module()
OWN = {name: COPY.segmenter(name) for name in ("rjieba", "jieba", "characters", "words")}


@given(st.text(st.characters() | st.sampled_from("高血壓鼠标软\ud800\x00\u200b ")), st.sampled_from(sorted(OWN)))
@settings(max_examples=200, deadline=None)
def test_its_own_copies_of_normalising_and_segmenting_are_true_copies(text, name):
    assert COPY.normalize(text) == normalize(text)
    assert OWN[name](normalize(text)) == segmenter(name)(normalize(text))
    assert COPY.converter("s2twp")(normalize(text)) == convert(normalize(text), "s2twp")
    assert COPY.converter("")(text) == text


@pytest.mark.parametrize(("name", "conversion"), [("jieba", "s2twp"), ("words", "")])
def test_a_bundle_reads_as_its_student_was_taught(name, conversion, tmp_path):
    folder = made(tmp_path / "student", RoundConfig(**SMALL, segmenter=name, conversion=conversion))
    with zipfile.ZipFile(write_bundle(folder, LABELS, CARD, tmp_path / "student.zip")) as archive:
        archive.extractall(tmp_path / "out")
    student = COPY.Student(tmp_path / "out")
    read, vocab = reader(name, conversion), load_student(folder).vocab
    texts = [*TEXTS, "软件与鼠标，血压偏高的人服用药物前", "a\ud800\x00b"]
    assert [student.encode(text) for text in texts] == [list(vocab.encode(read(text), 120)) for text in texts]
    assert json.loads((tmp_path / "out" / "student.json").read_text())["conversion"] == conversion
    found = answers(run(tmp_path / "out", *TEXTS))
    printed = np.array([list(row["probabilities"].values()) for row in found])
    assert np.abs(printed - student.probabilities(TEXTS)).max() <= 1e-6


@pytest.mark.parametrize(
    ("arch", "neighbours", "calibration"),
    [("textcnn.v1", True, True), ("textrnn_att.v1", True, False), ("han_att.v1", False, True)],
)
def test_a_bundle_does_to_its_logits_what_the_app_does(arch, neighbours, calibration, tmp_path):
    draw = np.random.default_rng(0)
    config = RoundConfig(
        **SMALL, arch=arch, calibration="auto" if calibration else "none", neighbours="auto" if neighbours else "off"
    )
    folder = made(tmp_path / "student", config)
    model, vocab, meta = load_model(folder)
    texts = [*TEXTS[:5], *("".join(draw.choice(list("血壓偏高的人服用藥物前年長者起身"), 6)) for _ in range(30))]
    # one text twice, with unlike labels: as near as each other, whoever reckons it
    said = drained(said_steps(scorer(model, config), encoder(vocab, config)([*texts, texts[0]]), places=True))[1]
    y = draw.random((len(said.logits), 3)) < 0.5
    near = Neighbours(places=said.places, y=y, nearest=5, width=0.1, share=0.3)
    honest = draw.normal(size=(400, 3))
    found = Revision(
        near if neighbours else None,
        fit("auto", 3 * honest + 1, draw.random(honest.shape) < (0.5, 0.4, 0.005)) if calibration else None,
    )
    quality = {"before": {"ece": 0.25, "brier": 0.2}, "after": {"ece": 0.125, "brier": 0.1}}
    save_model(folder, model, vocab, {**meta, "revision": found.to_json(), "quality": quality}, found.arrays())
    with zipfile.ZipFile(write_bundle(folder, LABELS, CARD, tmp_path / "student.zip")) as archive:
        archive.extractall(tmp_path / "out")
        assert ("neighbours.npz" in archive.namelist()) == neighbours
    expected = load_student(folder).probabilities([*TEXTS, *texts])
    student = COPY.Student(tmp_path / "out")
    assert np.abs(student.probabilities([*TEXTS, *texts]) - expected).max() <= 1e-5
    assert np.abs(expected - expit(model_logits(folder, [*TEXTS, *texts]))).max() > 0.01
    card = (tmp_path / "out" / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert ("notice isotonic, drug isotonic, senior shared" in card) == calibration
    assert ("the labels of the 5 nearest training texts" in card) == neighbours
    assert "| ECE | 0.250 | 0.125 |" in card
    assert ("Probabilities are not calibrated" in card) != calibration
    if neighbours:
        (tmp_path / "out" / "neighbours.npz").unlink()
        with pytest.raises(COPY.BundleError, match=r"neighbours\.npz"):
            COPY.Student(tmp_path / "out")


def model_logits(folder: Path, texts: list[str]) -> np.ndarray:
    """What the network alone says."""
    student = load_student(folder)
    by = scorer(student.model, student.config)
    return drained(said_steps(by, encoder(student.vocab, student.config)(texts), places=False))[1].logits


def test_a_bundle_asks_only_for_what_it_needs():
    def named(*given):
        return [line.partition(">")[0] for line in requirements(*given).splitlines()]

    assert named("characters", "") == ["numpy", "onnxruntime"]
    assert named("rjieba", "") == ["numpy", "onnxruntime", "rjieba"]
    assert named("jieba", "t2s") == ["numpy", "onnxruntime", "jieba", "opencc"]
    assert named("words", "s2tw")[2:] == ["opencc"]
    assert named("ckip", "")[2] == "ckip-transformers"


def test_what_a_bundle_cannot_have_is_said_and_no_trace_is_shown(tmp_path, monkeypatch):
    folder = made(tmp_path / "student", RoundConfig(**SMALL, segmenter="ckip"), cut=reader("words"))
    with zipfile.ZipFile(write_bundle(folder, LABELS, CARD, tmp_path / "student.zip")) as archive:
        archive.extractall(tmp_path / "out")
    monkeypatch.setenv("CKIP_MODEL", str(tmp_path / "nowhere"))
    done = run(tmp_path / "out", "藥")
    assert (done.returncode, done.stdout) == (1, "")
    assert "CKIP_MODEL" in done.stderr
    assert "Traceback" not in done.stderr
    for package, make in {"jieba": COPY.segmenter, "rjieba": COPY.segmenter, "opencc": COPY.converter}.items():
        monkeypatch.setitem(sys.modules, package, None)
        with pytest.raises(COPY.BundleError, match=r"pip install -r requirements\.txt"):
            make("t2s" if package == "opencc" else package)
        monkeypatch.delitem(sys.modules, package)
    with pytest.raises(COPY.BundleError, match="no such conversion"):
        COPY.converter("nonsense")
    with pytest.raises(COPY.BundleError, match="no such segmenter"):
        COPY.segmenter("nonsense")


def test_files_of_three_kinds_and_standard_input(unpacked):
    lines = ["多喝水", "服用藥物"]
    (unpacked / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    rows = [{"id": f"n{n}", "content": line} for n, line in enumerate(lines)]
    (unpacked / "a.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n", encoding="utf-8")
    (unpacked / "a.csv").write_text("id,content\r\nn0,多喝水\r\nn1,服用藥物\r\n", encoding="utf-8-sig")
    plain = answers(run(unpacked, "--file", str(unpacked / "a.txt")))
    assert [row["text"] for row in plain] == lines
    for name in ("a.jsonl", "a.csv"):
        named = answers(run(unpacked, "--file", str(unpacked / name), "--column", "content"))
        assert [row.pop("id") for row in named] == ["n0", "n1"]
        assert named == plain
    assert answers(run(unpacked, "--file", "-", stdin="\n".join(lines))) == plain


@pytest.mark.parametrize("name", ["model.onnx", "vocab.json", "labels.json", "student.json"])
def test_a_damaged_or_missing_file_is_named_and_nothing_is_predicted(unpacked, name):
    content = (unpacked / name).read_bytes()
    (unpacked / name).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    done = run(unpacked, "藥")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{name} is damaged" in done.stderr
    (unpacked / name).unlink()
    done = run(unpacked, "藥")
    assert done.returncode == 1
    assert f"{name} is missing" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_input_that_cannot_be_read_is_said_in_one_line(unpacked):
    (unpacked / "bad.jsonl").write_text('{"text": "好"}\n{"text": 3}\n', encoding="utf-8")
    (unpacked / "bad.txt").write_bytes("藥物".encode("big5"))
    (unpacked / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for name, sentence in {
        "bad.jsonl": "line 2",
        "bad.txt": "is not UTF-8",
        "bad.csv": "there are: a, b",
        "none.txt": "cannot read",
        "model.onnx": "only .jsonl, .txt, .csv",
    }.items():
        done = run(unpacked, "--file", str(unpacked / name))
        assert done.returncode == 1
        assert sentence in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
    assert run(unpacked).returncode == 2


def test_a_damaged_student_gives_no_bundle(student_dir, tmp_path):
    for name in ("model.pt", "vocab.json", "student.json"):
        folder = tmp_path / name
        shutil.copytree(student_dir, folder)
        (folder / name).write_bytes((folder / name).read_bytes()[:40])
        with pytest.raises(ModelUnavailable):
            write_bundle(folder, LABELS, CARD, tmp_path / "out.zip")
    with pytest.raises(ModelUnavailable):
        write_bundle(tmp_path / "nowhere", LABELS, CARD, tmp_path / "out.zip")
    assert not list(tmp_path.glob("out.zip*"))


def test_labels_of_another_project_are_refused(student_dir, tmp_path):
    with pytest.raises(ModelUnavailable, match="notice"):
        write_bundle(student_dir, LABELS[::-1], CARD, tmp_path / "out.zip")
    assert not list(tmp_path.iterdir())
