"""Export: labels as files, and the trained student as one zip. For project leads."""

from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import streamlit as st

from core.errors import TagtailError
from core.services import reporting
from core.services.curating import Project
from core.services.reporting import Overview
from db.errors import StorageError
from pages.shared import messages, session
from pages.shared.cache import overview
from pages.shared.i18n import plain, respoken, t

INCLUDED = ("labelled", "all", "decisions")


def size(n_bytes: int) -> str:
    """A file size for people."""
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1_000_000 else f"{max(n_bytes / 1e3, 0.1):.1f} kB"


@st.cache_data(max_entries=16, show_spinner=False)
def contents(path: str, modified: float) -> tuple[str, list[tuple[str, int]]]:
    """The checksum of a zip and the files inside; ``modified`` makes a new file a new answer."""
    with Path(path).open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    with zipfile.ZipFile(path) as bundle:
        return digest, [(each.filename, each.file_size) for each in bundle.infolist()]


def download_link(text: str, path: str, *, primary: bool = False) -> None:
    """A download through the server's own route: flat in memory, whatever the size."""
    st.link_button(text, path, icon=":material/download:", type="primary" if primary else "secondary", width="stretch")


def labels_section(project: Project, now: Overview) -> None:
    st.subheader(t("export.labels"), anchor=False)
    st.markdown(t("export.labels_intro"))
    labelled = now.n_labelled + now.n_gold_labelled
    if not labelled:
        st.info(t("export.labels_none"), icon=":material/label:")
        return
    counts = {"labelled": labelled, "all": now.n_pool + now.n_gold}
    include = st.radio(  # a choice travels as its words: counts, which change while one looks, stand beside them
        t("export.include"), INCLUDED, format_func=lambda each: t(f"export.include_{each}"),
        key=respoken("include", INCLUDED, INCLUDED[0]),
        captions=[t("export.texts", n=f"{counts[each]:,}") if each in counts else "" for each in INCLUDED],
    )  # fmt: skip
    left, right = st.columns(2)
    base = f"/download/labels/{project.id}"
    with left:
        download_link(t("export.jsonl"), f"{base}.jsonl?include={include}", primary=True)
    with right:
        download_link(t("export.csv"), f"{base}.csv?include={include}")
    st.caption(t("export.formats"))


def student_section(project: Project, now: Overview) -> None:
    st.subheader(t("export.student"), anchor=False)
    st.markdown(t("export.student_intro"))
    with session.db() as db:
        path = reporting.student_bundle(db, project.id)
    if path is None or now.round is None:
        need = project.settings.round_min_labels
        st.info(t("export.student_none", have=f"{now.n_labelled:,}", need=need), icon=":material/model_training:")
        return
    stat = path.stat()
    digest, files = contents(str(path), stat.st_mtime)
    when = datetime.fromtimestamp(now.round.finished_at or now.round.started_at, UTC).strftime("%Y-%m-%d %H:%M")
    st.markdown(
        plain(
            t(
                "export.student_from",
                number=now.round.number,
                when=when,
                train=now.round.n_train or 0,
                gold=now.round.n_gold or 0,
            )
        )
    )
    f1 = {m.scope: m.f1 for m in now.metrics if m.model == "student" and m.split == "gold"}
    if "macro" in f1 and "micro" in f1:
        st.markdown(t("export.student_f1", macro=f"{f1['macro']:.3f}", micro=f"{f1['micro']:.3f}"))
    download_link(
        t("export.student_download", size=size(stat.st_size)), f"/download/student/{project.id}", primary=True
    )
    st.caption(t("export.sha256"))
    st.code(digest, language=None, wrap_lines=True)
    with st.expander(t("export.contents")):
        rows = [{t("export.file_name"): name, t("export.file_size"): size(n)} for name, n in files]
        st.dataframe(pd.DataFrame(rows), hide_index=True, width="stretch")


def page() -> None:
    session.require("lead")
    st.title(t("export.title"), anchor=False)
    try:
        project = session.project()
        now = overview(project.id)
        left, right = st.columns(2, gap="large")
        with left, st.container(border=True):
            labels_section(project, now)
        with right, st.container(border=True):
            student_section(project, now)
    except (TagtailError, StorageError, OSError, zipfile.BadZipFile) as error:
        messages.show(error)


page()
