"""Which labels a chart shows: all of them, or where there are many, one band of the long tail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import streamlit as st

from core.evaluate.bands import Band
from pages.shared.i18n import t

MANY = 15  # labels that a chart shows at once
BANDS: tuple[Band, ...] = ("head", "medium", "tail")


class Banded(Protocol):
    @property
    def band(self) -> Band | None: ...


Line = TypeVar("Line", bound=Banded)


def chosen(lines: Sequence[Line], key: str) -> list[Line]:
    """All lines where they are few; else those of the band that is chosen, at first the tail."""
    if len(lines) <= MANY:
        return list(lines)
    offered = [*BANDS, "all"]
    band = st.segmented_control(
        t("per_label.bands"), offered, default="tail", required=True, key=key, label_visibility="collapsed",
        format_func=lambda each: t(f"per_label.band_{each}"),
    )  # fmt: skip
    return [line for line in lines if band in ("all", line.band)]
