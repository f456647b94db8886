"""The one place where a page turns an error into a sentence."""

from __future__ import annotations

import streamlit as st

from core.messages import sentence
from pages.shared.i18n import lang, plain


def words(error: BaseException) -> str:
    """An error as one sentence in the reader's language, safe for Markdown."""
    return plain(sentence(error, lang()))


def show(error: BaseException) -> None:
    """Shows an error as a calm box."""
    st.error(words(error), icon=":material/error:")
