"""Why a text is where it is in the queue, as words."""

from __future__ import annotations

from typing import Any

from pages.shared.i18n import t

MODELS = ("student", "linear", "blend")


def words(area: str, reason: dict[str, Any] | None, names: dict[str, str]) -> str:
    """The reason as ``area`` says it; nothing where there is none. ``names``: label key → name."""
    if not reason:
        return ""
    source, probability, threshold = reason.get("source"), reason.get("probability"), reason.get("threshold")
    if source == "returned":
        return t(f"{area}.reason_returned")
    if reason.get("random") or source not in MODELS or not isinstance(probability, int | float):
        return t(f"{area}.reason_random")
    label = str(reason.get("label", ""))
    if reason.get("words"):
        return t(f"{area}.reason_words", label=names.get(label, label))
    return t(
        f"{area}.reason_{source}",
        label=names.get(label, label),
        probability=f"{probability:.2f}",
        threshold=f"{threshold:.2f}" if isinstance(threshold, int | float) else "–",
    )
