import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadSetting, ModelUnavailable
from core.text import tokenize as module
from core.text.normalize import normalize
from core.text.tokenize import read_all, reader, segment_all, segmenter

LOCAL = ("characters", "rjieba", "jieba", "words")
MIXED = st.text(
    st.characters() | st.sampled_from("高血压體，。ＡＢaB1２\ud800\x00\u200b\u0301\u3000 \n😀ก"), max_size=80
)


def test_each_segmenter_cuts_as_named():
    assert segmenter("characters")("服用 Aspirin 100mg，每日。") == [
        *"服用", "aspirin", "100", "mg", "，", *"每日", "。",
    ]  # fmt: skip
    assert segmenter("words")("Blood pressure, high!") == ["blood", "pressure", ",", "high", "!"]
    for name in ("rjieba", "jieba"):
        assert "高血壓" in segmenter(name)("高血壓患者應該注意飲食")


def test_an_unknown_name_is_refused():
    with pytest.raises(ModelUnavailable) as caught:
        segmenter("mecab")
    assert caught.value.fields == {"name": "mecab", "why": "one of characters, rjieba, jieba, words, ckip"}


@pytest.mark.parametrize("name", ["rjieba", "jieba"])
def test_a_missing_library_is_named_with_what_to_do(name: str, monkeypatch: pytest.MonkeyPatch):
    module._jieba.cache_clear()
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelUnavailable, match=f"pip install {name}"):
        segmenter(name)
    module._jieba.cache_clear()


def test_jieba_says_nothing_and_writes_no_file_that_others_could_have_made(tmp_path: Path):
    code = "from core.text.tokenize import segmenter; print(segmenter('jieba')('飲食控制'))"
    root, path = Path(__file__).resolve().parents[3], {"TMPDIR": str(tmp_path), "PYTHONWARNINGS": "error"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=path, cwd=root, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", LOCAL)
@given(text=MIXED)
@settings(deadline=None)  # the first text waits for a dictionary
def test_no_token_is_blank_and_nothing_but_blanks_is_lost(name: str, text: str):
    text = normalize(text)
    tokens = segmenter(name)(text)
    assert all(token.strip() for token in tokens)
    assert "".join("".join(tokens).split()) == "".join(text.lower().split())


@pytest.mark.parametrize("name", LOCAL)
@given(texts=st.lists(MIXED, max_size=4), conversion=st.sampled_from(["", "t2s", "s2twp"]))
@settings(deadline=None, max_examples=40)
def test_many_at_once_are_cut_as_one_by_one(name: str, texts: list[str], conversion: str):
    one = [reader(name, conversion)(text) for text in texts]
    assert list(read_all(name, conversion, texts)) == one
    if not conversion:
        assert list(segment_all(name, map(normalize, texts))) == one


@pytest.mark.parametrize("name", LOCAL)
def test_a_very_long_text_and_an_empty_one_are_read(name: str):
    read = reader(name, "t2s")
    assert read("") == read(" \u200b\n") == read("\ud800") == []
    long = read("高血壓 " * 25_000)
    assert "".join(long) == "高血压" * 25_000
    assert "".join(read("壓" * 50_000 + "Ａ" * 50_000)) == "压" * 50_000 + "a" * 50_000


def test_reading_converts_before_it_cuts():
    assert "高血压" in reader("rjieba", "t2s")("高血壓患者")
    assert reader("characters")("高血壓Ａ") == ["高", "血", "壓", "a"]


def test_texts_are_taken_as_they_are_asked_for_and_a_wrong_name_fails_at_once():
    def endless():
        while True:
            yield "好"

    assert list(islice(read_all("characters", "s2t", endless()), 3)) == [["好"]] * 3
    with pytest.raises(ModelUnavailable):
        read_all("none", "", endless())
    with pytest.raises(BadSetting):
        reader("words", "none")
