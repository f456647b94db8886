"""Review: settle what people differ on or have flagged, read doubted labels again, see how people agree, give back
what somebody holds.
"""

from __future__ import annotations

import streamlit as st

from core.errors import TagtailError
from core.services import adjudicating, assigning, doubting
from core.services.accounts import User
from core.services.assigning import Desk
from core.services.projects import Project
from db.errors import StorageError
from pages.shared import agreement_view, counted, doubts_view, links, messages, review_desk, session, when
from pages.shared.i18n import lang, plain, respoken, t


def choice(project: Project, me: User) -> tuple[str, str]:
    """What is looked at, and the label by which it is narrowed down."""
    with session.db() as db:
        counts = adjudicating.docket(db, project.id, by=me.id, n=0).counts
        counts = {**counts, "doubts": doubting.to_read(db, project.id, by=me.id, n=0).n}
    views = [*adjudicating.KINDS, "doubts", "agreement"] + (["desks"] if me.role in ("lead", "admin") else [])
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    view = left.segmented_control(
        t("review.what"), views, default="open", required=True, key="review_view", label_visibility="collapsed",
        format_func=lambda each: t(f"review.view_{each}"), wrap=True,
    )  # fmt: skip
    counted.beside("review_view", [counts.get(each) for each in views])
    if view not in counts:
        return view or "open", ""
    names = {label.key: label.name(lang()) for label in project.label_set.on_board}
    label = right.selectbox(
        t("review.label"), ["", *names], format_func=lambda key: names.get(key) or t("review.any_label"),
        key=respoken(f"review_label_{project.id}", ["", *names], ""), label_visibility="collapsed",
    )  # fmt: skip
    return view, label


def give_back(project_id: int, desk: Desk) -> None:
    """Gives back what somebody holds, as the person at the screen."""
    try:
        user = session.require("lead")
        with session.db() as db:
            n = assigning.release_of(db, project_id, desk.user_id, by=user.id, now=session.now())
        messages.later(t("review.given_back", n=n, who=plain(desk.who)))
    except (TagtailError, StorageError) as error:
        messages.trouble_later(error)


def desks(project: Project, me: User) -> None:
    """Who holds how many texts, since when, until when."""
    with session.db() as db:
        found = assigning.desks(db, project.id, by=me.id, now=session.now())
    if not found:
        st.info(t("review.desks_none"), icon=":material/table_restaurant:")
        return
    st.caption(t("review.desks_intro"))
    for desk in found:
        with st.container(border=True):
            left, right = st.columns([4, 1], vertical_alignment="center")
            left.markdown(f"**{plain(desk.who)}** · {t('review.holds', n=f'{desk.n:,}')}")
            until = t("review.until" if desk.live else "review.lapsed", at=when.moment(desk.until))
            left.caption(t("review.since", at=when.moment(desk.since)) + " · " + until)
            right.button(
                t("review.give_back"), key=f"give_back_{desk.user_id}", on_click=give_back, args=(project.id, desk),
                width="stretch", help=t("review.give_back_help"),
            )  # fmt: skip


def close_text() -> None:
    """Back to the list; from a callback."""
    st.query_params.pop("text", None)


@st.fragment
def body(project: Project, me: User) -> None:
    """The choice of a view with its counts, and the view; a fragment, so that a settlement re-runs nothing else."""
    with st.container():
        messages.show_later()
    wanted = links.text_in_address(t("review.not_a_number"))
    if wanted is not None:
        st.button(t("review.all_texts"), key="review_all", icon=":material/arrow_back:", on_click=close_text)
        review_desk.desk(project, "", "", text=wanted)
        return
    view, label = choice(project, me)
    if view == "agreement":
        agreement_view.section(project, me)
    elif view == "doubts":
        doubts_view.section(project, me, label)
    elif view == "desks":
        desks(project, me)
    else:
        review_desk.desk(project, view, label)


def page() -> None:
    me = session.require("reviewer")
    st.title(t("review.title"), anchor=False)
    project = session.project()
    try:
        body(project, me)
    except (TagtailError, StorageError) as error:
        messages.show(error)


page()
