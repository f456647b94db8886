"""A button that copies a text. Streamlit's own shows on hover only, says so in English, and needs https."""

from __future__ import annotations

import streamlit as st

from pages.shared.i18n import t

_HTML = '<button type="button"></button><p role="status"></p>'
_CSS = """
button {
  font: inherit; font-size: .875rem; min-height: 2.5rem; padding: .25rem .75rem; cursor: pointer;
  color: var(--st-background-color);
  background: var(--st-primary-color); border: 1px solid var(--st-primary-color);
  border-radius: var(--st-button-radius, .5rem);
}
p { margin: .4rem 0 0; font-size: .875rem; }
p:empty { display: none; }
button:hover { filter: brightness(1.08); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
_JS = """
export default function ({ parentElement, data }) {
  const button = parentElement.querySelector('button');
  const said = parentElement.querySelector('[role=status]');
  if (button.textContent !== data.label) { button.textContent = data.label; said.textContent = ''; }
  const byHand = () => {  // where the browser keeps the clipboard from pages without https
    const field = document.createElement('textarea');
    field.value = data.text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand('copy');
    field.remove();
    button.focus();
    return copied;
  };
  button.onclick = async () => {
    let copied = false;
    try { await navigator.clipboard.writeText(data.text); copied = true; } catch { copied = byHand(); }
    said.textContent = copied ? data.done : data.failed;
  };
}
"""
_component = st.components.v2.component("tagtail_copy", html=_HTML, css=_CSS, js=_JS)


def copy_button(text: str) -> None:
    """The button, in the reader's language; it says whether it worked."""
    data = {"text": text, "label": t("common.copy"), "done": t("common.copied"), "failed": t("common.copy_failed")}
    _component(key="copy", data=data)
