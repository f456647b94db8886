import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import CONVERSIONS
from core.errors import BadSetting, ModelUnavailable
from core.text import convert as module
from core.text.convert import convert
from core.text.normalize import normalize


def test_it_turns_characters_and_words():
    assert convert("高血壓患者", "t2s") == "高血压患者"
    assert convert("软件与鼠标", "s2twp") == "軟體與滑鼠"
    assert convert("高血压 and 高血壓", "") == "高血压 and 高血壓"


def test_an_unknown_name_or_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadSetting) as caught:
        convert("字", "../t2s")
    assert caught.value.fields["field"] == "conversion"
    assert "t2s" in caught.value.fields["why"]
    monkeypatch.setitem(sys.modules, "opencc", None)
    module.converter.cache_clear()
    with pytest.raises(ModelUnavailable) as gone:
        convert("字", "t2s")
    assert "pip install opencc" in gone.value.fields["why"]
    assert convert("字", "") == "字"
    module.converter.cache_clear()


@pytest.mark.parametrize("name", CONVERSIONS)
@given(text=st.text(st.characters() | st.sampled_from("\x00\ud800體体裡里髮發 "), max_size=40))
def test_no_text_breaks_it_and_what_is_no_character_of_either_stays(name: str, text: str):
    turned = convert(text, name)
    assert [c for c in turned if c < "\u2e80"] == [c for c in text if c < "\u2e80"]
    clean = convert(normalize(text), name)
    assert normalize(clean) == clean


def test_a_text_that_nobody_converts_loads_nothing_of_it():
    code = "import sys; from core.text.tokenize import reader; reader('characters')('字'); "
    code += "print({'opencc', 'jieba', 'rjieba', 'ckip_transformers'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
