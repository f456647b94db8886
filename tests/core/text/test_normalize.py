import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from core.text.normalize import normalize


def test_widths_blanks_and_invisible_characters():
    assert normalize("  ＡＢＣ１２３\u3000\t高血壓\u200b\n\n患者\x00 ") == "ABC123 高血壓 患者"
    assert normalize("") == normalize(" \u200b\ufeff ") == ""


@given(st.text())
def test_it_is_idempotent_and_leaves_nothing_unprintable(text: str):
    once = normalize(text)
    assert normalize(once) == once
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs") for char in once)
    assert "  " not in once
    once.encode("utf-8")


def test_whatever_this_unicode_calls_a_control_character_goes():
    gone = [c for c in map(chr, range(0x110000)) if unicodedata.category(c) in ("Cc", "Cf", "Cs")]
    assert len(gone) > 2000
    assert {normalize(f"a{c}b") for c in gone if not c.isspace()} == {"ab"}
    assert {normalize(f"a{c}b") for c in map(chr, range(0x110000)) if c.isspace()} == {"a b"}
    assert normalize("e\u200b\u0301") == "é"  # composed when what stood between is gone
