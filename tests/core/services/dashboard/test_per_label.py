"""Each figure of a label against scikit-learn and against what is in the tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score, precision_recall_curve, precision_score, recall_score
from sqlite_utils import Database

from core.services import adjudicating, annotating, labelling
from core.services.dashboard.one_label import LISTED, one_label
from core.services.dashboard.per_label import labels
from db.connect import writing
from db.errors import NotFound
from db.rounds import insert_metrics
from tests.conftest import NOW, make_project
from tests.core.services.dashboard.measuring import gold_ids, import_texts
from tests.core.services.dashboard.modelled import labelled, publish, said
from tests.flows.test_click import save

LABELS = tuple(f"標籤{n}" for n in range(5))
SHARES = (0.2, 0.5, 0.3, 0.03, 0.15)
CUTS = (0.5, 0.4, 0.55, 0.45, 0.5)
GOLD, POOL = labelled(2, 200, SHARES), labelled(1, 80, SHARES)
FIRST = said(GOLD, 3, noise={"student": 0.6})
SECOND = said(GOLD, 4)


@pytest.fixture
def project(db: Database, people: dict[str, int], tmp_path: Path) -> int:
    """Two rounds; the second was measured on 200 gold texts, the first on the last 150 of them."""
    made = make_project(db, labels=LABELS)
    import_texts(db, made, tmp_path, POOL, split="train")
    import_texts(db, made, tmp_path, GOLD, split="gold")
    ids = gold_ids(db, made)
    publish(db, made, ids[50:], GOLD[50:], {"student": FIRST["student"][50:]}, thresholds=(0.3,) * 5)
    publish(db, made, ids, GOLD, SECOND, thresholds=CUTS, now=NOW + 60)
    return made


def test_every_figure_is_scikit_learns_and_labels_come_from_common_to_rare(db: Database, project: int) -> None:
    found = labels(db, project)
    together = POOL.sum(axis=0) + GOLD.sum(axis=0)
    assert [line.scope for line in found.labels] == [f"k{k}" for k in np.argsort(-together, kind="stable")]
    assert (found.round, found.n, found.n_pool, found.n_gold) == (2, 200, 80, 200)
    for line in found.labels:
        k = int(line.scope[1:])
        assert (line.pool, line.gold, line.support) == (POOL[:, k].sum(), GOLD[:, k].sum(), GOLD[:, k].sum())
        for model, probs in SECOND.items():
            told, named = line.models[model], probs[:, k] >= CUTS[k]
            assert told.f1 == pytest.approx(f1_score(GOLD[:, k], named, zero_division=0))
            assert told.precision == pytest.approx(precision_score(GOLD[:, k], named, zero_division=0))
            assert told.recall == pytest.approx(recall_score(GOLD[:, k], named, zero_division=0))
    assert [line.scope for line in found.together] == ["macro", "micro", "weighted"]
    bands = {line.scope: line.band for line in found.labels}
    assert bands == {"k1": "head", "k2": "medium", "k0": "medium", "k4": "tail", "k3": "tail"}


def test_a_change_is_over_the_texts_of_both_rounds_each_cut_by_its_own_thresholds(db: Database, project: int) -> None:
    found = labels(db, project)
    assert (found.before, found.common) == (1, 150)
    y, now, then = GOLD[50:], SECOND["student"][50:] >= np.array(CUTS), FIRST["student"][50:] >= 0.3
    wanted = f1_score(y, now, average=None, zero_division=0) - f1_score(y, then, average=None, zero_division=0)
    for line in found.labels:
        assert line.change is not None
        assert line.change.difference == pytest.approx(wanted[int(line.scope[1:])])
        assert line.change.low <= line.change.difference <= line.change.high
    macro, micro, _ = found.together
    assert macro.change is not None
    assert macro.change.difference == pytest.approx(wanted.mean())
    assert micro.change is None
    rng, drawn = np.random.default_rng(0), []
    for _ in range(800):
        at = rng.integers(150, size=150)
        drawn.append(f1_score(y[at, 1], now[at, 1]) - f1_score(y[at, 1], then[at, 1]))
    told = next(line.change for line in found.labels if line.scope == "k1")
    assert told is not None
    assert (told.low, told.high) == pytest.approx(tuple(np.percentile(drawn, [2.5, 97.5])), abs=0.02)


def test_a_label_closer_has_scikit_learns_curve_through_the_figure_of_the_table(db: Database, project: int) -> None:
    found = one_label(db, project, "k2")
    assert [(each.round, each.model) for each in found.history] == [
        (1, "student"), (2, "linear"), (2, "standalone"), (2, "student"), (2, "teacher"),
    ]  # fmt: skip
    assert found.answers is not None
    answers = found.answers
    assert answers.threshold == 0.55
    for model, probs in SECOND.items():
        precision, recall, _ = precision_recall_curve(GOLD[:, 2], probs[:, 2])
        np.testing.assert_allclose(answers.curves[model].precision, precision)
        np.testing.assert_allclose(answers.curves[model].recall, recall)
        ap = average_precision_score(GOLD[:, 2], probs[:, 2])
        assert answers.curves[model].average_precision == pytest.approx(ap)
    figure = next(each for each in found.history if (each.round, each.model) == (2, "student"))
    curve = answers.curves["student"]
    at = np.searchsorted(curve.thresholds, answers.threshold)
    assert (curve.precision[at], curve.recall[at]) == pytest.approx((figure.precision, figure.recall))
    assert sum(each.observed.n for each in answers.reliability.bins) == 200


def test_the_texts_behind_a_figure_are_those_it_was_wrong_about_the_most_confident_first(
    db: Database, project: int
) -> None:
    ids, found = gold_ids(db, project), one_label(db, project, "k2").answers
    assert found is not None
    p, y = SECOND["student"][:, 2], GOLD[:, 2]
    wrong = {"misses": y & (p < 0.55), "alarms": ~y & (p >= 0.55)}
    assert (found.n_misses, found.n_alarms) == (wrong["misses"].sum(), wrong["alarms"].sum())
    for kind, sign in (("misses", 1), ("alarms", -1)):
        at = np.flatnonzero(wrong[kind])
        at = at[np.argsort(sign * p[at], kind="stable")][:LISTED]
        listed = getattr(found, kind)
        assert [each.document_id for each in listed] == [ids[n] for n in at]
        assert [each.probability for each in listed] == pytest.approx([p[n] for n in at])
        for each, n in zip(listed, at, strict=True):
            assert each.text == f"gold 第 {n} 段文字，談健康。"
            assert each.given == tuple(f"k{k}" for k in np.flatnonzero(GOLD[n]))
            assert each.now == each.given
            assert list(each.probabilities.values()) == pytest.approx(SECOND["student"][n].tolist())


def test_a_text_that_was_settled_otherwise_since_says_what_it_is_now(
    db: Database, project: int, people: dict[str, int]
) -> None:
    before = one_label(db, project, "k2").answers
    assert before is not None
    document = before.misses[0].document_id
    adjudicating.settle(db, project, document, ["k0"], seen=None, by=people["rae"], now=NOW + 90)
    after = one_label(db, project, "k2").answers
    assert after is not None
    assert after.misses[0].given == before.misses[0].given
    assert after.misses[0].now == ("k0",)
    adjudicating.leave_out(db, project, document, seen=NOW + 90, by=people["rae"], now=NOW + 95)
    left_out = one_label(db, project, "k2").answers
    assert left_out is not None
    assert left_out.misses[0].now is None


def test_labels_that_are_gone_keep_their_past_and_new_ones_have_none(
    db: Database, project: int, people: dict[str, int]
) -> None:
    labelling.retire(db, project, "k4", by=people["lee"], now=NOW + 70)
    found = labels(db, project)
    together = (POOL.sum(axis=0) + GOLD.sum(axis=0))[:4]
    assert [line.scope for line in found.labels] == [f"k{k}" for k in np.argsort(-together, kind="stable")]
    assert found.gone == ("k4",)
    assert [each.round for each in one_label(db, project, "k4").history if each.model == "student"] == [1, 2]
    macro = one_label(db, project, "macro")
    assert macro.answers is None
    assert len(macro.history) == 5
    assert one_label(db, project, "new").history == ()


def test_before_a_round_there_is_support_alone(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, labels=LABELS)
    empty = labels(db, made)
    assert [(line.pool, line.gold, line.models, line.change) for line in empty.labels] == [(0, 0, {}, None)] * 5
    assert (empty.round, empty.n, empty.before, empty.together) == (None, None, None, ())
    assert one_label(db, made, "k0").answers is None
    import_texts(db, made, tmp_path, POOL, split="train")
    assert [line.pool for line in labels(db, made).labels] == sorted(POOL.sum(axis=0).tolist(), reverse=True)
    with pytest.raises(NotFound):
        labels(db, 99)


def test_rounds_that_kept_no_answers_have_figures_and_no_curves(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db, labels=LABELS)
    import_texts(db, made, tmp_path, GOLD, split="gold")
    ids = gold_ids(db, made)
    publish(db, made, ids, GOLD, SECOND, thresholds=CUTS, kept=False)
    publish(db, made, ids, GOLD, SECOND, thresholds=CUTS, now=NOW + 60)
    found = labels(db, made)
    assert (found.before, found.common) == (None, None)
    assert {line.change for line in found.labels} == {None}
    publish(db, made, ids, GOLD, SECOND, thresholds=CUTS, kept=False, now=NOW + 120)
    assert one_label(db, made, "k0").answers is None
    assert labels(db, made).labels[0].models["student"].round == 3


def test_a_round_without_gold_is_a_round_without_figures(db: Database, people: dict[str, int], tmp_path: Path) -> None:
    made = make_project(db, labels=LABELS[:1])
    import_texts(db, made, tmp_path, np.ones((3, 1)), split="train")
    publish(db, made, [], np.zeros((0, 1)), {"student": np.zeros((0, 1), np.float32)}, thresholds=(0.5,))
    found = labels(db, made)
    assert (found.n, found.before) == (0, None)
    assert one_label(db, made, "k0").answers is None


def test_a_label_without_gold_positives_has_calibration_and_no_curve(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db, labels=LABELS[:2])
    y = np.array([[1, 0]] * 6)
    import_texts(db, made, tmp_path, y, split="gold")
    probs = np.array([[0.9, 0.8], [0.9, 0.1], [0.2, 0.1], [0.9, 0.1], [0.9, 0.1], [0.9, 0.1]], np.float32)
    publish(db, made, gold_ids(db, made), y, {"student": probs}, thresholds=(0.5, 0.5))
    found = one_label(db, made, "k1").answers
    assert found is not None
    assert (found.curves, found.n_misses, found.n_alarms) == ({}, 0, 1)
    assert found.reliability.error == pytest.approx((0.5 + 0.8) / 6)


def test_an_annotators_fresh_decision_counts_at_the_next_look(
    db: Database, people: dict[str, int], tmp_path: Path
) -> None:
    made = make_project(db, labels=LABELS)
    import_texts(db, made, tmp_path, np.zeros((2, 5)), split="pool")
    assert labels(db, made).labels[0].pool == 0
    given = annotating.next_texts(db, made, people["ann"], n=1, now=NOW)[0]
    annotating.apply(db, made, people["ann"], [save("one", given.id, "k3")], now=NOW)
    assert next((line.scope, line.pool) for line in labels(db, made).labels) == ("k3", 1)


def test_figures_of_validation_and_of_unknown_models_take_no_part(db: Database, project: int) -> None:
    round_id = next(db.query("SELECT id FROM rounds WHERE number = 2"))["id"]
    row = {"scope": "k2", "precision": 1, "recall": 1, "f1": 1, "support": 1, "threshold": 0.5, "low": 1, "high": 1}
    with writing(db):
        insert_metrics(db, round_id, [{**row, "model": "student", "split": "valid", "n": 1}])
        insert_metrics(db, round_id, [{**row, "model": "oracle", "split": "gold", "n": 1}])
    found = labels(db, project)
    assert found.n == 200
    assert all("oracle" not in line.models for line in found.labels)
    assert len(one_label(db, project, "k2").history) == 5
