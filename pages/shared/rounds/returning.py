"""Going back to an earlier model: which ones can come back, and the question before one does."""

from __future__ import annotations

import streamlit as st
from sqlite_utils import Database

from core.services import going_back
from core.services.dashboard.rounds import Timeline
from core.services.going_back import Earlier
from pages.shared import charts, confirming, session, when
from pages.shared.confirming import Question
from pages.shared.i18n import plain, t

SHOWN = 5  # rounds; those before are long gone from the disk


def section(project_id: int, seen: Timeline) -> None:
    """The latest students, each with a button, or with what keeps it from coming back."""
    if len(seen.students) < 2:
        return
    st.subheader(t("rounds.back"), anchor=False)
    st.caption(t("rounds.back_note"))
    shown = [each for n, each in enumerate(seen.students) if n < SHOWN or each.hindrance in ("", "in_use")]
    for each in shown:
        _one(project_id, seen, each)
    if len(shown) < len(seen.students):
        st.caption(t("rounds.back_older", n=len(seen.students) - len(shown)))


def _one(project_id: int, seen: Timeline, student: Earlier) -> None:
    found = seen.of(student.number)
    macro = found.macro if found else None
    key = f"back_{student.number}"
    with st.container(border=True):
        left, right = st.columns([4, 1.4], vertical_alignment="center")
        finished = when.moment(found.row.finished_at) if found else "–"
        score = f"{macro.f1:.3f} {charts.interval(macro)}" if macro else "–"
        words = t("rounds.back_line", n=student.number, finished=finished, score=score, gold=macro.n if macro else 0)
        left.markdown(plain(words))
        if student.hindrance:
            left.caption(t(f"rounds.back_{student.hindrance}"))
        right.button(
            t("rounds.back_button", n=student.number), key=key, disabled=bool(student.hindrance), width="stretch",
            on_click=confirming.ask, args=(key,),
        )  # fmt: skip
    confirming.draw(
        Question(
            key=key, title=t("rounds.back_title", n=student.number),
            body=t("rounds.back_body", n=student.number, now=seen.in_use or 0), yes=t("rounds.back_yes"),
            said=t("rounds.back_said", n=student.number), act=lambda db: _request(db, project_id, student.number),
        )
    )  # fmt: skip


def _request(db: Database, project_id: int, number: int) -> object:
    by = session.require("lead").id
    return going_back.request(db, project_id, number, by=by, now=session.now())
