"""Errors that were stored or sent as a code with fields, as sentences again."""

from __future__ import annotations

from typing import Any

from core.messages import say, sentence
from pages.shared.i18n import lang


def words(code: str, fields: dict[str, Any] | None) -> str:
    """A stored error as one sentence in the reader's language; an unknown code gets the general one, and the log."""
    return say(code, fields, lang()) or sentence(RuntimeError(f"{code} {fields}"), lang())
