"""The Export page: what can be taken away, and what to do while there is nothing."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from pathlib import Path

from streamlit.testing.v1 import AppTest

from core.services import curating
from core.services.curating import ImportOptions
from tests.pages.conftest import House
from tests.published import import_labelled, publish_student

Said = Callable[[AppTest], str]


def _links(page: AppTest) -> list[str]:
    return [each.proto.url for each in page.get("link_button")]


def test_an_empty_project_says_what_to_do_next(house: House, texts_of: Said) -> None:
    page = house.page("export", "lead").run()
    said = texts_of(page)
    assert "還沒有任何已標註的文本" in said
    assert "還沒有訓練好的模型" in said
    assert _links(page) == []


def test_labels_are_offered_in_both_formats(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db:
        import_labelled(db, house.project_id, tmp_path, n=6)
    page = house.page("export", "lead").run()
    texts_of(page)
    base = f"/download/labels/{house.project_id}"
    assert _links(page) == [f"{base}.jsonl?include=labelled", f"{base}.csv?include=labelled"]
    page.radio(key="include").set_value("all").run()
    assert _links(page)[1] == f"{base}.csv?include=all"


def test_what_is_included_stays_chosen_while_others_label(house: House, texts_of: Said, tmp_path: Path) -> None:
    with house.open() as db:
        import_labelled(db, house.project_id, tmp_path, n=6)
    page = house.page("export", "lead").run()
    page.radio(key="include").set_value("all").run()
    assert list(page.radio(key="include").proto.captions) == ["6 篇", "6 篇", ""]
    more = tmp_path / "more.jsonl"
    more.write_text(json.dumps({"text": "後來的一篇文章，談健康。"}, ensure_ascii=False), "utf-8")
    with house.open() as db:
        curating.run_import(db, house.project_id, more, options=ImportOptions(), by=None, now=1.0)
    page.run()
    assert list(page.radio(key="include").proto.captions) == ["6 篇", "7 篇", ""]
    texts_of(page)
    assert page.radio(key="include").value == "all"
    assert _links(page)[0].endswith("include=all")


def test_the_student_is_offered_with_its_round_figures_and_checksum(
    house: House, texts_of: Said, tmp_path: Path
) -> None:
    with house.open() as db:
        import_labelled(db, house.project_id, tmp_path)
        lead = house.people["lead"].id
        content = publish_student(db, house.project_id, tmp_path / "round", by=lead, now=time.time())
    page = house.page("export", "lead").run()
    said = texts_of(page)
    assert "macro F1 0.512" in said
    assert "第 1 輪" in said
    assert page.code[0].value == hashlib.sha256(content).hexdigest()
    assert _links(page)[-1] == f"/download/student/{house.project_id}"
    assert "student/model.onnx" in set(page.dataframe[0].value.iloc[:, 0])
