import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ModelUnavailable
from core.text.normalize import normalize
from core.text.tokenize import segmenter


def test_each_segmenter_cuts_as_named():
    assert segmenter("characters")("服用 Aspirin 100mg，每日。") == [
        *"服用", "aspirin", "100", "mg", "，", *"每日", "。",
    ]  # fmt: skip
    assert segmenter("words")("Blood pressure, high!") == ["blood", "pressure", ",", "high", "!"]
    assert "高血壓" in segmenter("rjieba")("高血壓患者應該注意飲食")


def test_an_unknown_name_is_refused():
    with pytest.raises(ModelUnavailable) as caught:
        segmenter("ckip")
    assert caught.value.fields["name"] == "ckip"


@pytest.mark.parametrize("name", ["rjieba", "characters", "words"])
@given(text=st.text(max_size=80))
def test_no_token_is_blank_and_nothing_but_blanks_is_lost(name: str, text: str):
    text = normalize(text)
    tokens = segmenter(name)(text)
    assert all(token.strip() for token in tokens)
    assert "".join("".join(tokens).split()) == "".join(text.lower().split())
