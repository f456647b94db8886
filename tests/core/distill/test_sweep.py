import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from core.config import RoundConfig
from core.distill.lessons import Lessons
from core.distill.soft_targets import Taught, combine, gather, syllabus, teach
from core.distill.splicing import splice, splice_within
from core.distill.student import Pair, train_pair
from core.distill.sweep import pick, stack_size, stacked_models, sweep, teacher_judge
from core.models.dense import DenseEngine
from tests.core.making import SMALL, drained

RNG = np.random.default_rng(0)
VECTORS = RNG.normal(size=(30, 12)).astype(np.float32)
VECTORS[0] = 0
ROWS = [RNG.integers(2, 30, size=n) for n in RNG.integers(2, 15, size=60)]
Y = np.array([[(row == 3).any(), (row < 8).any(), False, True] for row in ROWS], dtype=np.int8)


TEXTS = [" ".join(f"t{n}" for n in row) for row in ROWS]
EXACT = replace(SMALL, sweep="exact")


def pair_of(given: Lessons, taught: Taught) -> Pair:
    return drained(train_pair(given, *drained(syllabus(given, taught))[1]))[1]


def lessons(config: RoundConfig = EXACT) -> Lessons:
    return Lessons(
        vectors=VECTORS, train_rows=ROWS[:48], train_texts=TEXTS[:48], train_y=Y[:48], valid_rows=ROWS[48:],
        valid_texts=TEXTS[48:], valid_y=Y[48:], label_keys=["rare", "common", "none", "all"], config=config,
    )  # fmt: skip


def test_a_label_of_one_class_gets_its_prevalence_and_a_warning():
    reports, teachers = drained(sweep(lessons()))
    assert teachers.warnings == (
        ("LabelWithoutPositives", {"labels": "none"}),
        ("LabelWithoutNegatives", {"labels": "all"}),
    )
    assert set(teachers.weights) == {0, 1}
    probs = expit(teachers.logits(ROWS))
    assert probs.shape == (60, 4)
    assert (probs[:, 2] < 0.001).all()
    assert (probs[:, 3] > 0.999).all()
    assert reports[-1].done == reports[-1].total == 2 * len(SMALL.class_weights)
    assert all(0 <= report.done <= report.total for report in reports)


def test_fast_trains_one_network_a_label_and_moves_its_logit_by_log_w():
    reports, teachers = drained(sweep(lessons(SMALL)))
    assert reports[-1].total == 2
    assert set(teachers.weights) == {0, 1}
    for k, weight in teachers.weights.items():
        assert weight in SMALL.class_weights
        moved = teachers.unweighted(ROWS)[:, k] + np.log(weight)
        np.testing.assert_allclose(teachers.logits(ROWS)[:, k], moved, atol=1e-5)


def test_without_its_class_weight_an_exact_teacher_answers_as_one_without():
    """What a stack is given: logits on one scale, whichever weight a fold's teacher was chosen with."""
    one, five = (replace(EXACT, class_weights=(weight,)) for weight in (1.0, 5.0))
    plain, moved = (drained(sweep(lessons(config)))[1] for config in (one, five))
    np.testing.assert_allclose(plain.unweighted(ROWS), plain.logits(ROWS), atol=1e-6)
    gap = np.abs(moved.unweighted(ROWS) - plain.logits(ROWS))[:, :2].mean()
    assert gap < np.abs(moved.logits(ROWS) - plain.logits(ROWS))[:, :2].mean()


def test_fast_with_a_weight_of_one_alone_is_exact_with_it():
    """Lanes split labels over stacks otherwise; a network's result does not depend on its company."""
    one = replace(EXACT, class_weights=(1.0,))
    exact, fast = (drained(sweep(lessons(replace(one, sweep=mode))))[1] for mode in ("exact", "fast"))
    np.testing.assert_allclose(exact.logits(ROWS), fast.logits(ROWS), atol=1e-4)


@pytest.mark.parametrize("way", ["exact", "fast"])
def test_stacks_are_cut_to_the_memory_there_is_and_nothing_else_changes(way: str, monkeypatch: pytest.MonkeyPatch):
    y = np.stack([Y[:, 0], Y[:, 1], 1 - Y[:, 0], 1 - Y[:, 1]], axis=1)
    given = replace(lessons(replace(SMALL, sweep=way, threads=1)), train_y=y[:48], valid_y=y[48:])
    reports, whole = drained(sweep(given))
    assert max(report.detail.get("active", 0) for report in reports) == 3 + (way == "fast")
    monkeypatch.setattr("core.distill.sweep.STACKS_BYTES", 200_000)  # of two
    assert stack_size(given) == 2
    reports, parts = drained(sweep(given))
    assert max(report.detail.get("active", 0) for report in reports) == 2
    assert [report.done for report in reports] == sorted(report.done for report in reports)
    assert parts.weights == whole.weights
    assert parts.epochs == whole.epochs
    np.testing.assert_allclose(parts.unweighted(ROWS), whole.unweighted(ROWS), atol=1e-5)


def test_hundreds_of_labels_are_more_stacks_than_fit_at_once():
    config = RoundConfig(arch="gru_att.v1", batch_size=128, threads=2)
    many = replace(lessons(config), train_rows=[np.full(512, 3)] * 200)
    assert 1 <= stack_size(many) < 20
    assert stack_size(replace(many, config=replace(config, threads=1))) > stack_size(many)
    assert stack_size(replace(many, config=replace(config, arch="textcnn.v1"))) > 30


def test_the_teachers_and_the_pair_are_the_same_each_time():
    first, again = (drained(teach(lessons()))[1] for _ in range(2))
    assert first.teachers.weights == again.teachers.weights
    np.testing.assert_array_equal(first.soft, again.soft)
    pairs = [pair_of(lessons(), first) for _ in range(2)]
    for one, two in zip(*pairs, strict=True):
        for name, value in one.state_dict().items():
            assert torch.equal(value, two.state_dict()[name])


def test_in_sample_targets_are_the_teachers_answers_on_what_they_learned():
    taught = drained(teach(lessons()))[1]
    np.testing.assert_allclose(taught.soft, taught.teachers.probabilities(ROWS[:48], TEXTS[:48]), atol=1e-6)


@pytest.mark.parametrize("kind", ["neural", "linear", "best", "stack"])
def test_out_of_fold_targets_come_from_those_that_have_not_seen_the_text(kind: str):
    config = replace(SMALL, soft_targets="out_of_fold", oof_folds=2, teachers=kind)
    taught = drained(teach(lessons(config)))[1]
    assert len(taught.teachers.members) == 2
    mixture = taught.teachers.mixture
    found = np.stack([expit(mixture(m.logits(ROWS[:48], TEXTS[:48]))) for m in taught.teachers.members])
    for n, soft in enumerate(taught.soft):
        assert np.isclose(found[:, n], soft, atol=1e-5).all(axis=1).any()
    assert taught.teachers.probabilities(ROWS, TEXTS).shape == (60, 4)


def test_too_few_texts_for_folds_are_taught_in_sample_and_it_is_said():
    few = lessons(replace(SMALL, soft_targets="out_of_fold", oof_folds=10)).only(np.arange(19))
    taught = drained(teach(few))[1]
    assert len(taught.teachers.members) == 1
    assert ("TooFewForFolds", {"have": 19, "need": 20}) in taught.teachers.warnings


def test_one_label_alone_can_be_taught_out_of_fold():
    one = replace(lessons(replace(SMALL, soft_targets="out_of_fold")), train_y=Y[:48, 1:2], valid_y=Y[48:, 1:2])
    taught = drained(teach(replace(one, label_keys=["common"])))[1]
    assert taught.soft.shape == (48, 1)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_mixed_targets_lie_between_soft_and_hard(share: float):
    taught = drained(teach(lessons()))[1]
    same, targets = drained(syllabus(lessons(replace(EXACT, hard_share=share)), taught))[1]
    np.testing.assert_allclose(targets, (1 - share) * taught.soft + share * Y[:48], atol=1e-6)
    assert len(same.train_rows) == 48


def encode(texts):
    return [np.array([int(t) for t in re.findall(r"t(\d+)", text)][:40], dtype=np.int64) for text in texts]


def test_spliced_texts_are_answered_by_the_teachers():
    taught = drained(teach(lessons()))[1]
    given = replace(lessons(replace(EXACT, spliced=0.5)), encode=encode)
    more, targets = drained(syllabus(given, taught))[1]
    assert len(more.train_rows) == len(more.train_texts) == len(targets) == 48 + 24
    np.testing.assert_array_equal(targets[:48], taught.soft)
    np.testing.assert_allclose(targets[48:], taught.teachers.probabilities(more.train_rows[48:]), atol=1e-6)
    assert drained(syllabus(given, taught))[1][0].train_texts == more.train_texts


def test_batches_grow_by_the_root_of_what_the_texts_do():
    taught = drained(teach(lessons()))[1]
    given = replace(lessons(replace(EXACT, spliced=3.0)), encode=encode)
    more, _ = drained(syllabus(given, taught))[1]
    assert len(more.train_rows) == 4 * 48
    assert more.config.batch_size == 2 * given.config.batch_size


@pytest.mark.parametrize("kind", ["neural", "stack"])
def test_out_of_fold_a_spliced_text_is_answered_by_teachers_that_have_seen_neither_half(kind: str):
    config = replace(SMALL, soft_targets="out_of_fold", oof_folds=3, teachers=kind, spliced=1.0)
    # each text has clauses of its own, by which its halves can be known again
    texts = [", ".join(f"t{n} of{at}" for n in row) for at, row in enumerate(ROWS[:48])]
    given = replace(lessons(config), train_texts=texts, encode=encode)
    gathered = drained(gather(given))[1]
    taught = combine(given, gathered)
    more, aims = drained(syllabus(given, taught))[1]
    assert len(more.train_texts) == 96
    mixed = 0
    for text, row, aim in zip(more.train_texts[48:], more.train_rows[48:], aims[48:], strict=True):
        halves = {int(n) for n in re.findall(r"of(\d+)", text)}
        mixed += len(halves) > 1
        blind = [m for m, part in enumerate(gathered.parts) if not halves & set(part.tolist())]
        assert len(blind) == 1
        said = expit(taught.teachers.mixture(gathered.members[blind[0]].logits([row], [text])))
        np.testing.assert_allclose(aim, said[0], atol=1e-5)
    assert mixed > 24


@pytest.mark.parametrize("soft_targets", ["in_sample", "out_of_fold"])
def test_while_teachers_answer_there_are_reports_and_it_can_be_stopped(soft_targets: str):
    config = replace(SMALL, soft_targets=soft_targets, teachers="stack", spliced=8.0, oof_folds=2)
    given = replace(lessons(config), encode=encode)
    shares, taught = drained(teach(given))
    answering = [report for report in shares if report.done == report.total]
    assert len(answering) >= 2 * len(taught.teachers.members)  # linear models, answers on the training texts
    shares, (more, _) = drained(syllabus(given, taught))
    assert len(more.train_rows) == 48 + 384
    assert len(shares) >= 3 + 4  # 384 texts read, then answered, some 128 at a time
    assert shares == sorted(shares)
    assert 0 <= shares[0] <= shares[-1] <= 1
    steps = syllabus(given, taught)
    next(steps)
    steps.close()


def test_a_splice_within_folds_may_take_any_text_of_its_fold():
    texts, folds = [f"<{n}>" for n in range(12)], np.arange(12) % 3
    made, of = splice_within(texts, folds, 600, seed=4)
    pairs = [tuple(sorted(map(int, re.findall(r"\d+", text)))) for text in made]
    assert all(a % 3 == b % 3 == fold for (a, b), fold in zip(pairs, of, strict=True))
    assert len(set(pairs)) == 3 * (4 + 6)
    assert splice_within([], np.zeros(0, dtype=np.int64), 5, seed=1)[0] == []


def test_a_splice_is_of_clauses_that_stand_in_the_texts():
    texts = ["早上頭痛，下午發燒。晚上好了", "Eat well. Sleep, too. ", "", "無標點"]
    made = splice(texts, 50, seed=1)
    clauses = {"早上頭痛，", "下午發燒。", "晚上好了", "Eat well. ", "Sleep,", " too. ", "無標點", ""}
    for text in made:
        for clause in sorted(clauses, key=len, reverse=True):
            text = text.replace(clause, "") if clause else text
        assert text == ""
    assert splice([], 5, seed=1) == []


def test_with_hard_targets_the_student_is_its_twin():
    taught = drained(teach(lessons()))[1]
    pair = pair_of(lessons(replace(EXACT, hard_share=1.0)), taught)
    for name, value in pair.student.state_dict().items():
        assert torch.equal(value, pair.standalone.state_dict()[name])


def test_pick_prefers_f1_then_ranking_then_the_larger_weight():
    y = np.array([1, 1, 0, 0])
    good, worse, silent = [0.9, 0.8, 0.2, 0.1], [0.9, 0.2, 0.6, 0.1], [0.4, 0.3, 0.2, 0.1]
    assert pick(np.array([worse, good, silent]), y, [0.5, 1, 3]) == 1
    assert pick(np.array([good, good]), y, [0.5, 3]) == 1
    assert pick(np.array([silent, silent]), y, [3, 0.5]) == 0
    assert pick(np.array([good, silent]), np.zeros(4), [0.5, 3]) == 1


def test_pick_takes_the_better_ranking_where_f1_differs_by_one_text():
    y = np.repeat([1, 0], [70, 30])
    yes_to_all, ranks = np.full(100, 0.6), np.where(y, 0.8, 0.2)
    ranks[:22], ranks[70:72] = 0.45, 0.3  # finds fewer than all, but knows which
    ranks[72:] = 0.1
    assert pick(np.stack([yes_to_all, ranks]), y, [1, 0.1]) == 1


def test_the_judge_breaks_ties_by_the_weighted_loss():
    targets = torch.tensor([1.0, 0.0])[None, :, None].expand(2, -1, -1)
    judge = teacher_judge(targets, torch.tensor([[1.0], [5.0]]))
    found = np.array([[[2.0], [-2.0]], [[3.0], [1.0]]], dtype=np.float32)
    scores = judge(found, np.array([0, 1]))
    assert scores[:, 0] == pytest.approx([1.0, 0.66])
    assert scores[1, 1] == pytest.approx(-(5 * np.log1p(np.exp(-3)) + np.log1p(np.exp(1))) / 2, rel=1e-5)
    assert judge(found[1:], np.array([1])).tolist() == scores[1:].tolist()


def test_rounded_steps_go_through_the_modules():
    for precision, dense in (("bfloat16", True), ("auto", False)):
        engine, _, _ = stacked_models(lessons(replace(EXACT, precision=precision)), [0, 1], 1, torch.device("cpu"))
        assert isinstance(engine, DenseEngine) is dense
