"""A pretraining on a few hundred made-up sentences: it learns, and goes on where it was cut off."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from core import messages
from core.__main__ import main
from core.encoders.load import load
from core.encoders.pretrain import plan as plans
from core.encoders.pretrain import run, texts
from core.encoders.pretrain.plan import PretrainPlan, Size
from core.encoders.pretrain.run import CHECKPOINT, REPORT
from core.errors import BadFile, BadSetting, EncoderUnavailable, TooLittleMemory, TrainingDiverged
from core.steps import drained
from tests.core.encoders.making import folder

PARTS = (
    ["高血壓", "糖尿病", "氣喘"],
    ["患者", "的人"],
    ["應該", "不要", "可以"],
    ["多運動", "吃藥", "看醫生"],
    ["。", ""],
)


@pytest.fixture(autouse=True)
def smallest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A size for tests, on one thread: its sums are in the same order each time."""
    size = Size(
        width=16, layers=2, heads=2, inner=32, embedding=8, vocabulary=60, max_tokens=32, lr=5e-3, batch_tokens=256
    )
    monkeypatch.setitem(plans.SIZES, "tiny", size)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    lines = ["".join(draw.choice(part) for part in PARTS * 2) for _ in range(300)]
    path = tmp_path / "pool.jsonl"
    path.write_text("\n".join(json.dumps({"text": line}, ensure_ascii=False) for line in lines))
    return path


def losses(out: Path) -> list[float]:
    return [float(line.split(",")[1]) for line in (out / "losses.csv").read_text().splitlines()[1:]]


def trained(plan: PretrainPlan, data: Path, out: Path) -> dict:
    out.mkdir(exist_ok=True)
    return drained(run.pretrain(plan, texts.load([data], conversion=plan.conversion), out))


def test_it_learns_and_what_it_leaves_can_be_loaded(data: Path, tmp_path: Path):
    out = tmp_path / "out"
    report = trained(PretrainPlan(epochs=12), data, out)
    found = losses(out)
    assert np.mean(found[-10:]) < 0.6 * np.mean(found[:3])
    assert report["held_out"]["loss"] < 0.8 * found[0]
    assert report["held_out"]["found"] > 0.1
    encoder = load(str(out))
    assert encoder.width == 16
    assert encoder.longest == 32
    (row,) = encoder.rows(["高血壓患者"])
    assert encoder.tokenizer.unk_token_id not in row
    assert not (out / CHECKPOINT).exists()
    assert trained(PretrainPlan(epochs=12), data, out) == report, "finished: it does nothing again"


@pytest.mark.parametrize("cuts", [(1,), (3, 4), (17,)])
def test_cut_off_it_comes_to_the_same_losses_and_weights(cuts: tuple[int, ...], data: Path, tmp_path: Path):
    plan, read = PretrainPlan(steps=24), texts.load([data])
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    trained(plan, data, whole)
    parts.mkdir()
    for cut in cuts:
        steps = run.pretrain(plan, read, parts)
        for at in steps:
            if at.step >= cut:
                break
        steps.close()
        assert not (parts / REPORT).exists()
    drained(run.pretrain(plan, read, parts))
    assert losses(parts) == losses(whole)
    one, two = (load(str(each)).network.state_dict() for each in (whole, parts))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_killed_between_two_checkpoints_it_repeats_what_was_not_kept(data: Path, tmp_path: Path):
    plan, read = PretrainPlan(steps=12), texts.load([data])
    trained(plan, data, tmp_path / "whole")
    out = tmp_path / "out"
    out.mkdir()
    steps = run.pretrain(plan, read, out, every_s=0.0)
    for at in steps:
        if at.step == 5:  # four were kept; the process ends without a word
            kept = (out / CHECKPOINT).read_bytes()
            break
    steps.close()
    (out / CHECKPOINT).write_bytes(kept)
    drained(run.pretrain(plan, read, out))
    assert losses(out) == losses(tmp_path / "whole")


@pytest.mark.parametrize("kind", ["own", "base"])
def test_a_given_encoder_goes_on(kind: str, data: Path, tmp_path: Path):
    start = tmp_path / "start"
    if kind == "own":
        trained(PretrainPlan(epochs=8), data, start)
    else:
        folder(start, "bert", characters="".join("".join(part) for part in PARTS))
    report = trained(PretrainPlan(start=str(start), steps=20), data, tmp_path / "out")
    found = losses(tmp_path / "out")
    if kind == "own":
        assert found[0] < 0.7 * losses(start)[0], "it begins where the other ended"
    assert report["held_out"]["loss"] < losses(start)[0] if kind == "own" else found[-1] < found[0]
    assert load(str(tmp_path / "out")).tokenizer.get_vocab() == load(str(start)).tokenizer.get_vocab()


def test_what_predicts_no_hidden_tokens_cannot_go_on(data: Path, tmp_path: Path):
    start = folder(tmp_path / "start", "xlnet")
    with pytest.raises(EncoderUnavailable) as error:
        trained(PretrainPlan(start=str(start)), data, tmp_path / "out")
    assert error.value.fields["why"] == "not_masked"


def test_texts_are_distinct_in_any_order_and_of_several_forms(data: Path, tmp_path: Path):
    lines = [json.loads(line)["text"] for line in data.read_text().splitlines()]
    plain = tmp_path / "pool.txt"
    plain.write_text("\n".join([*reversed(lines), "", lines[0]]))
    assert texts.load([plain]) == texts.load([data]) == texts.load([data, plain])
    assert "高血压" in "".join(texts.load([data], conversion="t2s"))


def few(data: Path) -> PretrainPlan:
    data.write_text('{"text": "一篇"}')
    return PretrainPlan()


def gone(data: Path) -> PretrainPlan:
    data.unlink()
    return PretrainPlan()


def fast(data: Path) -> PretrainPlan:
    return PretrainPlan(lr=0.1, clip=1e12)


@pytest.mark.parametrize(("spoil", "error"), [(few, BadFile), (gone, BadFile)])
def test_unusable_texts_are_refused(spoil: Callable[[Path], PretrainPlan], error: type, data: Path, tmp_path: Path):
    with pytest.raises(error):
        trained(spoil(data), data, tmp_path / "out")


def test_numbers_that_cease_to_be_numbers_end_it(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = run.networks.scores
    monkeypatch.setattr(run.networks, "scores", lambda *given: real(*given) * float("inf"))
    with pytest.raises(TrainingDiverged):
        trained(PretrainPlan(), data, tmp_path / "out")


def test_a_damaged_checkpoint_says_what_to_do(data: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / CHECKPOINT).write_bytes(b"half")
    with pytest.raises(BadFile) as error:
        trained(PretrainPlan(steps=3), data, out)
    assert "remove it" in messages.sentence(error.value, "en")


def test_too_little_memory_is_refused_before_it_starts(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("core.encoders.memory.bytes_free", lambda device: 2**16)
    with pytest.raises(TooLittleMemory):
        trained(PretrainPlan(), data, tmp_path / "out")


@pytest.mark.parametrize(
    "wrong", [{"size": "huge"}, {"epochs": 0}, {"max_tokens": 3}, {"conversion": "x"}, {"lr": 1.0}]
)
def test_settings_out_of_bounds_are_refused(wrong: dict):
    with pytest.raises(BadSetting):
        replace(PretrainPlan(), **wrong)


def test_the_command_trains_and_refuses_another_plan_in_the_same_place(data: Path, tmp_path: Path, capfd):
    out = tmp_path / "out"
    asked = ["pretrain", "--data", str(data), "--out", str(out), "--steps", "6", "--json"]
    assert main(asked) == 0
    report = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert report["steps"] == 6
    assert main([*asked, "--seed", "3"]) == 1
    assert "seed: 0 → 3" in capfd.readouterr().err
    assert main(["pretrain", "--data", str(data), "--out", str(out), "--epochs", "0"]) == 2
    assert main(["pretrain", "--data", str(tmp_path / "no.jsonl"), "--out", str(tmp_path / "o")]) == 1
