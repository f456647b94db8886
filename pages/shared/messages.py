"""What a page says about how something went: the one place where an error becomes a sentence."""

from __future__ import annotations

import streamlit as st

from core.messages import sentence
from pages.shared.i18n import lang, plain

_LATER = "said_later"


def words(error: BaseException) -> str:
    """An error as one sentence in the reader's language, safe for Markdown."""
    return plain(sentence(error, lang()))


def show(error: BaseException) -> None:
    """Shows an error as a calm box."""
    st.error(words(error), icon=":material/error:")


def later(text: str) -> None:
    """Keeps a good word for the next run: what was just done is seen together with its effect."""
    st.session_state.setdefault(_LATER, []).append((True, text))


def trouble_later(error: BaseException) -> None:
    """Keeps an error for the next run: what a callback draws has no place on the page."""
    st.session_state.setdefault(_LATER, []).append((False, words(error)))


def show_later() -> None:
    """Shows what was kept, once."""
    for good, text in st.session_state.pop(_LATER, []):
        if good:
            st.success(text, icon=":material/check_circle:")
        else:
            st.error(text, icon=":material/error:")
