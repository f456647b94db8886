"""A long list a page at a time, and found by name: what a page shows of thousands of labels."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import streamlit as st

from pages.shared.i18n import t

T = TypeVar("T")


def matching(items: Iterable[T], query: str, words: Callable[[T], Iterable[str]]) -> list[T]:
    """Those of which some word holds each part of the query, whatever its case or width; all for an empty one."""
    parts = _folded(query).split()
    return [item for item in items if not parts or _holds([_folded(word) for word in words(item)], parts)]


def _folded(word: str) -> str:
    return unicodedata.normalize("NFKC", word).casefold()


def _holds(words: Sequence[str], parts: Sequence[str]) -> bool:
    return all(any(part in word for word in words) for part in parts)


def page_of(items: Sequence[T], key: str, size: int) -> Sequence[T]:
    """The page that ``turns`` has turned to; where it is no more, the last one."""
    at = min(max(int(st.session_state.get(key, 0)), 0), max(0, -(-len(items) // size) - 1))
    st.session_state[key] = at
    return items[at * size : (at + 1) * size]


def turns(n: int, key: str, size: int) -> None:
    """The way to the other pages of ``n`` items; nothing where one page holds them."""
    pages = -(-n // size)
    if pages < 2:
        return
    at = int(st.session_state.get(key, 0))
    with st.container(horizontal=True, vertical_alignment="center", key=f"{key}_turns"):
        st.button(t("common.previous_page"), key=f"{key}_previous", on_click=_turn, args=(key, -1), disabled=not at)
        st.button(t("common.next_page"), key=f"{key}_next", on_click=_turn, args=(key, 1), disabled=at + 1 >= pages)
        st.caption(t("common.page", page=at + 1, pages=pages, n=f"{n:,}"))


def begin(key: str) -> None:
    """A callback: another choice is read from its first page."""
    st.session_state[key] = 0


def _turn(key: str, by: int) -> None:
    st.session_state[key] = int(st.session_state.get(key, 0)) + by
