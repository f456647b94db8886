"""Which labels a chart shows: all of them, or where there are many, one band of the long tail, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import streamlit as st

from core.evaluate.bands import Band
from pages.shared import paging
from pages.shared.i18n import t

MANY, PER_PAGE = 15, 40  # labels that a chart shows at once without a choice, and on a page
BANDS: tuple[Band, ...] = ("head", "medium", "tail")


class Banded(Protocol):
    @property
    def band(self) -> Band | None: ...


Line = TypeVar("Line", bound=Banded)


def chosen(lines: Sequence[Line], key: str) -> list[Line]:
    """All lines where they are few; else a page of those of the band that is chosen, at first the tail."""
    if len(lines) <= MANY:
        return list(lines)
    offered = [*BANDS, "all"]
    band = st.segmented_control(
        t("per_label.bands"), offered, default="tail", required=True, key=key, label_visibility="collapsed",
        format_func=lambda each: t(f"per_label.band_{each}"), on_change=paging.begin, args=(f"{key}_page",),
    )  # fmt: skip
    own = [line for line in lines if band in ("all", line.band)]
    page = paging.page_of(own, f"{key}_page", PER_PAGE)
    paging.turns(len(own), f"{key}_page", PER_PAGE)
    return list(page)
