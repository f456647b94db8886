"""The gold texts that a figure of a label comes from: those missed and those falsely named, to open and read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.services.dashboard.one_label import Answers, OneLabel, Reading
from pages.shared.i18n import listed, plain, t
from pages.shared.links import review_link

FIRST = 3  # texts of a kind at first
BEGINNING = 110  # characters


def panel(one: OneLabel, answers: Answers, names: Mapping[str, str]) -> None:
    """The misses beside the false alarms."""
    st.markdown(f"##### {t('per_label.texts')}")
    st.caption(t("per_label.texts_note", round=one.round, threshold=plain(f"{answers.threshold:.2f}")))
    name = plain(names.get(one.scope, one.scope))
    for place, kind, texts, n in zip(
        st.columns(2, gap="large"), ("misses", "alarms"), (answers.misses, answers.alarms),
        (answers.n_misses, answers.n_alarms), strict=True,
    ):  # fmt: skip
        with place:
            st.markdown(f"**{t(f'per_label.{kind}', n=n)}**")
            st.caption(t(f"per_label.{kind}_note", name=name) if texts else t("per_label.texts_none"))
            _list(one, answers, kind, texts, names)


def _list(one: OneLabel, answers: Answers, kind: str, texts: Sequence[Reading], names: Mapping[str, str]) -> None:
    key = f"{kind}_{one.scope}_{one.round}"
    opened = bool(st.session_state.get(f"all_{key}"))
    for each in texts if opened else texts[:FIRST]:
        with st.container(border=True):
            st.markdown(_beginning(each.text))
            left, right = st.columns([3, 1], vertical_alignment="center")
            said = t(
                "per_label.probability", p=plain(f"{each.probability:.2f}"), threshold=plain(f"{answers.threshold:.2f}")
            )
            left.caption(f"{said} · {_labels_of(each, names)}")
            if right.button(t("per_label.read"), key=f"read_{key}_{each.document_id}", width="stretch"):
                read(one, answers, each, names)
    if len(texts) > FIRST:
        st.button(
            t("per_label.fewer") if opened else t("per_label.more", n=len(texts) - FIRST), key=f"toggle_{key}",
            on_click=_toggle, args=(f"all_{key}",),
        )  # fmt: skip


def _toggle(key: str) -> None:
    st.session_state[key] = not st.session_state.get(key, False)


def _beginning(text: str) -> str:
    return plain(text[:BEGINNING]) + ("…" if len(text) > BEGINNING else "")


def _labels_of(each: Reading, names: Mapping[str, str]) -> str:
    """What it was labelled with when it was measured, and today where that is another set."""
    given = _named(each.given, names)
    if each.now is not None and set(each.now) == set(each.given):
        return t("per_label.given", labels=given)
    now = t("per_label.nowhere") if each.now is None else _named(each.now, names)
    return t("per_label.given_now", given=given, now=now)


def _named(keys: Sequence[str], names: Mapping[str, str]) -> str:
    return listed(plain(names.get(key, key)) for key in keys) or t("per_label.no_label")


def read(one: OneLabel, answers: Answers, each: Reading, names: Mapping[str, str]) -> None:
    """The whole text, and what the student says of every label of it, the likeliest first."""

    @st.dialog(t("per_label.dialog", id=each.document_id), width="large")
    def dialog() -> None:
        st.markdown("\n\n".join(plain(line) for line in each.text.splitlines() if line.strip()))
        st.caption(_labels_of(each, names))
        st.caption(t("per_label.dialog_note", round=one.round))
        yes = {True: "✓", False: ""}
        st.dataframe(
            [
                {
                    t("per_label.column_label"): names.get(key, key),
                    t("per_label.column_given"): yes[key in each.given],
                    t("per_label.column_named"): yes[p >= answers.thresholds[key]],
                    t("per_label.column_probability"): round(p, 3),
                    t("per_label.column_threshold"): round(answers.thresholds[key], 3),
                }
                for key, p in sorted(each.probabilities.items(), key=lambda pair: -pair[1])
            ],
            hide_index=True,
            width="stretch",
        )
        review_link(each.document_id)

    dialog()
