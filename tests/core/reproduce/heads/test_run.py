"""The comparison of heads on a handful of texts: it comes to figures, goes on where it was, and says what differs."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from core.__main__ import main
from core.errors import BadSetting
from core.reproduce.heads.plan import PUBLISHED, HeadsPlan, Key
from core.reproduce.heads.report import shares_f1
from tests.core.encoders.making import folder


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def asked(tmp_path: Path) -> list[str]:
    draw, path = np.random.default_rng(0), tmp_path / "data.jsonl"
    rows = []
    for n in range(40):
        chosen = [key for key in ("高血壓", "糖尿病") if draw.random() < 0.6]
        rows.append({"id": str(n), "text": f"{'、'.join(chosen)}患者應該注意飲食{n}", "labels": chosen})
    path.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    encoder = folder(tmp_path / "encoder")
    return ["reproduce", "heads", "--data", str(path), "--encoder", str(encoder), "--out", str(tmp_path / "out"),
            "--folds", "3", "--tested", "1", "--epochs", "2", "--max-tokens", "24", "--json"]  # fmt: skip


@pytest.mark.parametrize("frozen", [True, False])
def test_all_four_heads_come_to_a_table_and_finished_cells_stay(frozen: bool, asked: list[str], tmp_path: Path, capfd):
    asked = [*asked, *(["--frozen", "--students"] if frozen else ["--drawn"])]
    assert main(asked) == 0
    report = Path(json.loads(capfd.readouterr().out.splitlines()[-1])["report"])
    page = report.read_text()
    assert all(head in page for head in PUBLISHED)
    assert "What differs" in page
    assert "nan" not in page
    assert str(tmp_path) not in page
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert len(rows) == (4 + 4 + 1 if frozen else 8)
    assert all(0 <= row["mean"]["micro"] <= 1 for row in rows)
    assert all(row["mean"]["ms_a_text"] > 0 for row in rows if row["encoder"] in ("given", "drawn"))
    cells = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cells").glob("*.npz")}
    assert len(cells) == len(rows)
    lost = next(iter(cells))
    lost.write_bytes(lost.read_bytes()[:-50])
    assert main(asked) == 0
    again = {path: path.stat().st_mtime_ns for path in cells}
    assert [path for path in cells if cells[path] != again[path]] == [lost]


def test_another_plan_in_the_same_place_is_refused(asked: list[str], capfd):
    asked = [*asked, "--frozen", "--heads", "cls"]
    assert main(asked) == 0
    assert main([*asked, "--epochs", "3"]) == 1
    assert "epochs: 2 → 3" in capfd.readouterr().err
    assert main([*asked, "--heads", "other"]) == 2


def test_a_plan_names_each_cell_once():
    cells = list(HeadsPlan(seeds=(0, 1), folds=5, tested=2).cells())
    assert len(cells) == len({key.name for key in cells}) == 4 * 2 * 2
    assert cells[0] == Key("given", "cls.v1", 0, 0)
    for wrong in ({"heads": ()}, {"heads": ("x",)}, {"folds": 1}, {"folds": 3, "tested": 4}, {"seeds": ()}):
        with pytest.raises(BadSetting):
            HeadsPlan(**wrong)


def test_the_figure_by_shares_is_that_of_the_published_code():
    y = np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0]])
    predicted = np.array([[1, 0, 1], [0, 0, 0], [1, 0, 0]])
    right, missing, much = 1 / 3 + 1, 1 / 3, 1 / 3
    precision, recall = right / (right + much), right / (right + missing)
    assert shares_f1(predicted, y) == pytest.approx(2 * precision * recall / (precision + recall))
    assert shares_f1(y, y) == 1.0
    assert shares_f1(np.zeros_like(y), np.zeros_like(y)) == 0.0
