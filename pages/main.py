"""The entry script: the frame around every page, and the pages that a role sees."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import TagtailError
from core.messages import LANGS
from core.services import accounts
from core.services.accounts import User
from db.errors import StorageError
from pages.shared import i18n, leaving, messages, session
from pages.shared.i18n import NAMES, plain, t
from pages.shared.signout import sign_out_button

HERE = Path(__file__).parent
# file and area name, icon, the lowest role
PAGES = (
    ("annotate", ":material/label:", "annotator"),
    ("mine", ":material/history:", "annotator"),
    ("review", ":material/balance:", "reviewer"),
    ("dashboard", ":material/monitoring:", "lead"),
    ("rounds", ":material/model_training:", "lead"),
    ("data", ":material/database:", "lead"),
    ("labels", ":material/sell:", "lead"),
    ("export", ":material/download:", "lead"),
    ("people", ":material/group:", "lead"),
)
RANK = {role: rank for rank, role in enumerate(accounts.ROLES)}
# Streamlit leaves 6rem above every page; a text to label wants the room. The rest is contrast (WCAG 2.2 AA): of
# captions, of what is chosen in a row of buttons, and of words on the dark theme's bright buttons and tags.
STYLE = """<style>
[data-testid=stLayoutWrapper]:has(> .st-key-tagtail_ahead), .st-key-tagtail_ahead {display: none}
[data-testid=stMainBlockContainer] {padding-top: 3.5rem; padding-bottom: 3rem}
[data-testid=stCaptionContainer] {opacity: .8 !important}
@media (prefers-color-scheme: light) {button[data-selected=true] p {color: #0a544e}}
@media (prefers-color-scheme: dark) {
  [data-testid^=stBaseButton-primary], [data-testid^=stBaseButton-primary] p, [data-testid^=stBaseButton-primary] span,
  [data-testid=stMultiSelect] span[title], [data-testid=stMultiSelect] span[title] ~ * {color: #08201d}
}
</style>"""


def navigation(role: str) -> list[st.Page]:
    """All pages; one above the role is hidden, and refuses by itself when it is opened by its address."""
    return [
        st.Page(
            HERE / f"{name}.py",
            title=t(f"main.{name}"),
            icon=icon,
            url_path=name,
            default=i == 0,
            visibility="visible" if RANK.get(role, -1) >= RANK[need] else "hidden",
        )
        for i, (name, icon, need) in enumerate(PAGES)
    ]


def switch_language() -> None:
    """Keeps the chosen language with the person, so that it is there on every computer."""
    chosen, user_id = st.session_state.get("language"), session.user_id()
    if chosen not in LANGS or user_id is None:
        return
    try:
        with session.db() as db:
            accounts.set_lang(db, user_id, chosen, now=session.now())
        i18n.remember(chosen)
    except (TagtailError, StorageError) as error:
        messages.show(error)


def sidebar(user: User) -> None:
    """Project, who I am, language, the way out."""
    with st.sidebar:
        project = session.project_picker()
        st.divider()
        st.caption(f"{t('main.signed_in_as')} **{plain(user.name)}** · {t(f'common.role_{user.role}')}")
        st.segmented_control(
            t("main.language"),
            LANGS,
            format_func=NAMES.__getitem__,
            default=i18n.lang(),
            key="language",
            on_change=switch_language,
            label_visibility="collapsed",
            width="stretch",
        )
        sign_out_button(user.id, project)


def nobody() -> None:
    """The connection outlived the sign-in: say so, and show the way back."""
    st.title(t("common.product"), anchor=False)
    st.info(t("main.session_over"), icon=":material/key:")
    st.link_button(t("main.reload"), "/login", type="primary")


def main() -> None:
    st.set_page_config(page_title=t("common.product"), page_icon=str(HERE / "shared" / "icon.png"), layout="wide")
    try:
        user = session.current_user()
    except (TagtailError, StorageError) as error:
        messages.show(error)
        return
    if user is None:
        st.navigation([st.Page(nobody, title=t("common.product"))], position="hidden").run()
        return
    i18n.remember(user.lang)
    st.logo(str(HERE / "shared" / "logo.svg"), size="large")
    chosen = st.navigation(navigation(user.role))
    st.html(STYLE)
    try:
        sidebar(user)
    except (TagtailError, StorageError) as error:
        messages.show(error)
    leaving.watch(user, at_desk=not chosen.url_path)  # the first page, at the root
    chosen.run()


main()
