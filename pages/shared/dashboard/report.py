"""Report: everything that the other tabs say, and how it was found, as one zip."""

from __future__ import annotations

import zipfile
from pathlib import Path

import streamlit as st

from core.errors import TagtailError
from core.messages import LANGS
from core.services import reporting
from core.services.dashboard import report
from core.services.dashboard.report import Wanted
from core.services.reporting import Overview
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.i18n import NAMES, lang, t

_MADE = "report_made"  # in st.session_state: project, version, what was wanted, and where it lies


def show(view: Overview) -> None:
    st.markdown(t("report.intro"))
    st.caption(t("report.private"))
    wanted = _choice()
    if st.button(t("report.make"), type="primary", icon=":material/lab_profile:", key="report_make"):
        _make(view.project.id, wanted)
    _ready(view.project.id, wanted)
    st.caption(t("report.command"))
    named = " --with-names" if wanted.names else ""
    command = f"python -m core report --project {view.project.key} --lang {wanted.lang}{named} --out report.zip"
    st.code(command, language=None, wrap_lines=True)


def _choice() -> Wanted:
    chosen = st.segmented_control(
        t("report.language"), LANGS, format_func=NAMES.__getitem__, default=lang(), key="report_lang", required=True
    )
    names = st.checkbox(t("report.names"), key="report_names", help=t("report.names_help"))
    return Wanted(lang=chosen or lang(), names=names)


def _make(project_id: int, wanted: Wanted) -> None:
    """With a bar that says what is being read."""
    bar = st.progress(0.0, text=t("report.making"))

    def tick(step: str, done: int, total: int) -> None:
        bar.progress(done / total, text=f"{t('report.making')} {t(f'report.step_{step}')}")

    try:
        with session.db() as db:
            version = reporting.version(db, project_id)
            path = report.made(db, project_id, wanted, now=session.now(), tick=tick)
        st.session_state[_MADE] = (project_id, version, wanted, str(path))
    except (TagtailError, StorageError, OSError) as error:
        messages.show(error)
    bar.empty()


def _ready(project_id: int, wanted: Wanted) -> None:
    """The link to what was made, while it is what is wanted here."""
    of, version, made, where = st.session_state.get(_MADE, (None, None, None, ""))
    if (of, made) != (project_id, wanted) or not Path(where).is_file():
        return
    with session.db() as db:
        if reporting.version(db, project_id) != version:
            st.info(t("report.changed"), icon=":material/update:")
            return
    st.success(t("report.done", size=_size(Path(where).stat().st_size)), icon=":material/check:")
    address = f"/download/report/{project_id}?lang={wanted.lang}&names={int(wanted.names)}"
    st.link_button(t("report.download"), address, icon=":material/download:", type="primary")
    with st.expander(t("report.contents")), zipfile.ZipFile(where) as bundle:
        rows = [
            {t("report.file"): each.filename, t("report.size"): _size(each.file_size)} for each in bundle.infolist()
        ]
        st.dataframe(rows, hide_index=True, width="stretch")


def _size(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1_000_000 else f"{max(n_bytes / 1e3, 0.1):.1f} kB"
