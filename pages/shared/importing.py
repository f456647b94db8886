"""The import of a file: choose, see what is in it, decide, import."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import messages as sentences
from core.errors import BadRows, TagtailError
from core.services import curating
from core.services.accounts import User
from core.services.curating import ImportOptions, ImportPlan, ImportReport, Project
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.i18n import lang, listed, plain, t

SHOWN_ROWS = 50
SHOWN_LABELS = 12
FIGURE_PX = 148  # two beside each other on a telephone, six on a desk
_PLAN = "import_plan"
_TURN = "import_turn"  # grows with each import, so that the form starts empty again


@contextmanager
def on_disk(upload: UploadedFile) -> Iterator[Path]:
    """The upload as a file of its own name, for as long as it is read."""
    with tempfile.TemporaryDirectory(prefix="tagtail-import-") as folder:
        name = re.sub(r"[\x00-\x1f/\\]", "_", upload.name)[-120:].lstrip(".") or "file"
        path = Path(folder) / name
        path.write_bytes(upload.getbuffer())
        yield path


def free_key(name: str, taken: set[str]) -> str:
    """A key for a new project: from its name where that is Latin, else a number; never one that is taken."""
    base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40] or "project"
    return next(key for n in range(1, len(taken) + 3) if (key := base if n == 1 else f"{base}-{n}") not in taken)


def _target(project: Project | None, turn: int) -> tuple[bool, str]:
    """Whether a new project is wanted, and its name."""
    new = project is None
    if project is not None:
        words = [t("data.target_here", name=plain(session.title(project))), t("data.target_new")]
        new = st.radio(t("data.target"), [0, 1], format_func=words.__getitem__, key=f"import_target_{turn}") == 1
    name = st.text_input(t("data.new_name"), key=f"import_new_name_{turn}", max_chars=80) if new else ""
    return new, name.strip()


def _options() -> ImportOptions:
    with st.expander(t("data.columns")):
        columns = st.columns(3)
        values = {
            field: columns[i % 3].text_input(t(f"data.{word}"), value=default, key=f"import_{field}")
            for i, (field, word, default) in enumerate(
                (
                    ("text_column", "text_column", "text"),
                    ("id_column", "id_column", "id"),
                    ("labels_column", "labels_column", "labels"),
                    ("split_column", "split_column", "split"),
                    ("labels_separator", "separator", "|"),
                )
            )
        }
        use_labels = st.checkbox(
            t("data.use_labels"), value=True, key="import_use_labels", help=t("data.use_labels_help")
        )
    named: dict[str, Any] = {field: value for field, value in values.items() if value}  # emptied: the usual name
    return ImportOptions(use_labels=use_labels, **named)


@contextmanager
def _progress(text: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for as long as something is read or written."""
    bar = st.progress(0.0, text=text)

    def tick(done: int, total: int) -> None:
        bar.progress(min(done / max(total, 1), 1.0), text=text)

    try:
        yield tick
    finally:
        bar.empty()


def _plan(upload: UploadedFile, project: Project | None, options: ImportOptions) -> ImportPlan:
    """What importing would do; kept as long as file, target and options stay the same."""
    mark = (upload.file_id, project.id if project else None, options)
    kept = st.session_state.get(_PLAN)
    if kept is not None and kept[0] == mark:
        return kept[1]
    with _progress(t("data.reading", name=plain(upload.name))) as tick, on_disk(upload) as path, session.db() as db:
        plan = curating.plan_import(db, project.id if project else None, path, options=options, progress=tick)
    plan = replace(plan, documents=())  # what is shown needs no texts, and a session should not keep a whole file
    st.session_state[_PLAN] = (mark, plan)
    return plan


def _names(names: tuple[str, ...]) -> str:
    shown = listed(plain(name) for name in names[:SHOWN_LABELS])
    return shown + (" " + t("data.and_more", n=len(names) - SHOWN_LABELS) if len(names) > SHOWN_LABELS else "")


def figures(values: dict[str, str], width_px: int = FIGURE_PX) -> None:
    """A row of figures that breaks into several rows on a narrow screen."""
    with st.container(horizontal=True, gap="small"):
        for label, value in values.items():
            st.metric(label, value, border=True, width=width_px)


def _show_plan(plan: ImportPlan, *, new: bool) -> bool:
    """Shows the plan; True when bad rows are to be left out."""
    st.subheader(t("data.plan", name=plain(plan.name)), anchor=False)
    numbers = {
        "plan_rows": plan.rows, "plan_good": plan.good, "plan_duplicates": plan.duplicates,
        "plan_with_labels": plan.with_labels, "plan_gold": plan.gold, "plan_bad": len(plan.bad),
    }  # fmt: skip
    figures({t(f"data.{key}"): f"{value:,}" for key, value in numbers.items()})
    if plan.new_labels and new:
        st.info(t("data.found_labels", n=len(plan.new_labels), names=_names(plan.new_labels)))
    elif plan.new_labels:
        st.warning(t("data.unknown_labels", names=_names(plan.new_labels)), icon=":material/label_off:")
    if not plan.bad:
        return False
    st.warning(t("data.bad_intro", n=f"{len(plan.bad):,}"), icon=":material/report:")
    _show_bad(plan)
    if not plan.good:
        return False
    words = t("data.allow_partial", good=f"{plan.good:,}", bad=f"{len(plan.bad):,}")
    return st.checkbox(words, key=f"import_partial_{st.session_state.get(_TURN)}")


def _show_bad(plan: ImportPlan) -> None:
    """A plain table, whose long sentences wrap; its cells are Markdown, so what comes from the file is escaped."""
    rows = [
        {
            t("data.bad_line"): f"{row.line:,}",
            t("data.bad_field"): plain(row.field or "—"),
            t("data.bad_why"): plain(sentences.say(row.code, row.fields, lang()) or row.code),
        }
        for row in plan.bad[:SHOWN_ROWS]
    ]
    st.table(pd.DataFrame(rows).set_index(t("data.bad_line")))
    if len(plan.bad) > SHOWN_ROWS:
        st.caption(t("data.bad_shown", shown=SHOWN_ROWS))


def _run(upload: UploadedFile, project: Project | None, name: str, options: ImportOptions, me: User) -> ImportReport:
    with _progress(t("data.importing")) as tick, on_disk(upload) as path, session.db() as db:
        if project is not None:
            return curating.run_import(
                db, project.id, path, options=options, by=me.id, now=session.now(), progress=tick
            )
        key = free_key(name, {each.key for each in curating.list_projects(db, archived=True)})
        made, report = curating.import_as_project(
            db, path, key=key, name=name, options=options, by=me.id, now=session.now(), progress=tick
        )
        session.choose(made.id)
        return report


def _say_done(report: ImportReport) -> None:
    messages.later(
        t(
            "data.done",
            added=f"{report.added:,}",
            labelled=f"{report.labelled:,}",
            gold=f"{report.gold:,}",
            duplicates=f"{report.duplicates:,}",
            seconds=f"{report.seconds:.1f}",
        )
        + (" " + t("data.done_refused", n=f"{len(report.refused):,}") if report.refused else "")
        + " "
        + t("data.done_next")
    )


def section(project: Project | None, me: User) -> None:
    """The whole import; ``project`` is None where there is none yet."""
    turn = st.session_state.setdefault(_TURN, 0)
    new, name = _target(project, turn)
    upload = st.file_uploader(
        t("data.file"),
        type=["jsonl", "ndjson", "json", "csv", "gz"],
        key=f"import_file_{turn}",
        help=t("data.file_help"),
    )
    options = _options()
    if upload is None:
        return
    into = None if new else project
    try:
        plan = _plan(upload, into, options)
        partial = _show_plan(plan, new=new)
        if not plan.good:
            st.info(t("data.nothing_new"), icon=":material/info:")
            return
        if new and not name:
            st.caption(t("data.new_name_missing"))
        ready = (not plan.bad or partial) and (not new or bool(name))
        words = t("data.import_button", n=f"{plan.good:,}")
        if not st.button(words, type="primary", key="import_go", disabled=not ready):
            return
        _say_done(_run(upload, into, name, replace(options, allow_partial=partial), me))
    except BadRows as error:  # the file was right when planned, and another import has changed the project since
        st.session_state.pop(_PLAN, None)
        messages.show(error)
        return
    except (TagtailError, StorageError, OSError) as error:
        messages.show(error)
        return
    st.session_state.pop(_PLAN, None)
    st.session_state[_TURN] = turn + 1
    st.rerun()
