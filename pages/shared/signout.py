"""The sign-out button: a plain form to ``/logout``, for only a full request can drop an HttpOnly cookie."""

from __future__ import annotations

import streamlit as st

from pages.shared.i18n import lang, t

_HTML = '<form method="post" action="/logout"><button type="submit"></button></form>'
_CSS = """
form { margin: 0; }
button {
  font: inherit; width: 100%; min-height: 2.5rem; cursor: pointer; color: var(--st-text-color);
  background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, .5rem);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
# Streamlit writes <html lang="en"> whatever is on the page; screen readers and fonts go by it.
_JS = """
export default function ({ parentElement, data }) {
  parentElement.querySelector('button').textContent = data.label;
  document.documentElement.lang = data.lang;
}
"""
_component = st.components.v2.component("tagtail_sign_out", html=_HTML, css=_CSS, js=_JS)


def sign_out_button() -> None:
    """The button, in the reader's language; also tells the browser which language the page is in."""
    _component(key="sign_out", data={"label": t("main.sign_out"), "lang": "en" if lang() == "en" else "zh-Hant"})
