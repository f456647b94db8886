"""One spelling for one text: what is hashed, segmented and learned from."""

from __future__ import annotations

import unicodedata


def normalize(text: str) -> str:
    """NFKC, without control and format characters, blanks single; idempotent.

    Lone surrogates go as well: they cannot be written to a file.
    """
    kept = []
    for char in unicodedata.normalize("NFKC", text):
        kind = unicodedata.category(char)
        if char.isspace() or kind in ("Zs", "Zl", "Zp"):
            kept.append(" ")
        elif kind not in ("Cc", "Cf", "Cs"):
            kept.append(char)
    # Characters that met because one between them went may compose now: once more.
    return " ".join(unicodedata.normalize("NFKC", "".join(kept)).split())
