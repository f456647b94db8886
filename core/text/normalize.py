"""One spelling for one text: what is hashed, segmented and learned from."""

from __future__ import annotations

import re
import unicodedata

# Where control and format characters and surrogates lie, blanks left out. Wider than Unicode's lists, since a later
# Unicode may add some to these blocks: each character found is asked for its category.
_SUSPECT = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890-\u0891\u08e2\u180e"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\ufffb"
    "\U000110b0-\U000110cf\U00013400-\U0001345f\U0001bca0-\U0001bcaf\U0001d170-\U0001d17f\U000e0000-\U000e0fff]"
)


def normalize(text: str) -> str:
    """NFKC, without control and format characters, blanks single; idempotent.

    Lone surrogates go as well: they cannot be written to a file.
    """
    text = unicodedata.normalize("NFKC", text)
    if _SUSPECT.search(text):
        # Characters that met because one between them went may compose now: once more.
        text = unicodedata.normalize("NFKC", _SUSPECT.sub(_kept, text))
    return " ".join(text.split())


def _kept(found: re.Match[str]) -> str:
    return "" if unicodedata.category(found[0]) in ("Cc", "Cf", "Cs") else found[0]
