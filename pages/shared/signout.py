"""The sign-out button: a plain form to ``/logout``, for only a full request can drop an HttpOnly cookie."""

from __future__ import annotations

import streamlit as st

from pages.shared.i18n import HTML_LANG, lang, t

_HTML = '<form method="post" action="/logout"><button type="submit"></button></form>'
_CSS = """
form { margin: 0; }
button {
  font: inherit; font-size: .875rem; width: 100%; min-height: 2.5rem; cursor: pointer; color: var(--st-text-color);
  background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, .5rem);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
"""
# Streamlit writes <html lang="en"> whatever is on the page; screen readers and fonts go by it.
# What the boards have not delivered lies in localStorage, an entry each; the button says how many there are.
_JS = """
const MOUNTS = new WeakMap();
function mount(root, data) {
  let before = new Set();  // what lies there for two looks is unsent; a save on its way is gone by the second
  const kept = () => {
    try {
      const mine = [`tagtail.op.${data.owner}.`, `tagtail.settle.${data.owner}.`];
      return Object.keys(window.localStorage).filter((name) => mine.some((shelf) => name.startsWith(shelf)));
    } catch { return []; }
  };
  let n = 0;
  const count = () => {
    const names = kept();
    n = names.filter((name) => before.has(name)).length;
    before = new Set(names);
  };
  const paint = () => {
    const words = n ? data.unsent.replace('{n}', n) : data.label;
    const button = root.querySelector('button');
    if (button && button.textContent !== words) button.textContent = words;
  };
  // Streamlit adds an entry to the history for each query that a page writes: the project goes into the address here.
  const address = () => {
    const url = new URL(window.location.href);
    if (!data.project || url.searchParams.get('project') === data.project) return;
    url.searchParams.set('project', data.project);
    window.history.replaceState(window.history.state, '', url);
  };
  const timer = window.setInterval(() => { count(); paint(); address(); }, 1000);
  return {
    // Each run of the page calls again, and ends nothing of the call before: there is one mount, with the newest words.
    hear(fresh) {
      data = fresh;
      document.documentElement.lang = data.lang;
      paint();
      address();
    },
    close: () => window.clearInterval(timer),
  };
}
export default function ({ parentElement, data }) {
  if (!MOUNTS.has(parentElement)) MOUNTS.set(parentElement, mount(parentElement, data));
  const at = MOUNTS.get(parentElement);
  at.hear(data);
  return () => {
    at.close();
    if (MOUNTS.get(parentElement) === at) MOUNTS.delete(parentElement);
  };
}
"""
_component = st.components.v2.component("tagtail_sign_out", html=_HTML, css=_CSS, js=_JS)


def sign_out_button(owner: int, project: str = "") -> None:
    """The button, in the reader's language, with the count of decisions that ``owner``'s browser still keeps.

    Also tells the browser which language the page is in, and keeps the project's key in the address, for a reload.
    """
    data = {
        "label": t("main.sign_out"),
        "unsent": t("main.sign_out_unsent"),
        "owner": str(owner),
        "lang": HTML_LANG[lang()],
        "project": project,
    }
    _component(key="sign_out", data=data)
