"""Once labels have changed, each tab with a round's figures says beside them which labels those are of."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core.services import accounts, labelling
from tests.core.services.dashboard.measuring import gold_ids, import_texts, publish
from tests.pages.conftest import House

GOLD = np.eye(3, dtype=bool)[np.arange(30) % 3]


def tab(house: House, which: str, lang: str) -> AppTest:
    with house.open() as db:
        accounts.set_lang(db, house.people["lead"].id, lang, now=1.0)
    page = house.page("dashboard", "lead")
    page.query_params["tab"] = which
    return page.run()


@pytest.mark.parametrize("which", ["overview", "labels", "tail"])
def test_the_round_learnt_other_labels(
    house: House, texts_of: Callable[[AppTest], str], tmp_path: Path, which: str
) -> None:
    with house.open() as db:
        import_texts(db, house.project_id, tmp_path, GOLD[:6], split="train")
        import_texts(db, house.project_id, tmp_path, GOLD, split="gold")
        ids = gold_ids(db, house.project_id)
        publish(db, house.project_id, ids, GOLD, np.where(GOLD, 0.9, 0.1), thresholds=(0.5,) * 3, now=time.time())
    assert "學的是" not in texts_of(tab(house, which, "zh"))
    with house.open() as db:
        labelling.merge(db, house.project_id, "k0", "k1", by=house.people["lead"].id, now=time.time())
    said = texts_of(tab(house, which, "zh"))
    assert "第 1 輪學的是 3 個標籤；之後**甲**併入**乙**" in said
    said = texts_of(tab(house, which, "en"))
    assert "Round 1 learnt 3 labels; since then" in said
    assert "was merged into" in said
