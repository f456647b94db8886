"""A pretraining from where it stands to its end: a generator, so that progress and stopping live in the caller.

What is in the directory: ``checkpoint.pt`` while it works (network, optimizer, step, losses), ``vocabulary/`` as it was
learned, and at the end the encoder itself (``config.json``, ``model.safetensors``, tokenizer), ``pretraining.json`` and
``losses.csv``. Cut off at any step it goes on from the last checkpoint and comes to the same losses.
"""

from __future__ import annotations

import io
import json
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from core.encoders import load
from core.encoders.memory import bytes_needed, refuse_too_little
from core.encoders.optim import layered, set_rate, share_of_rate
from core.encoders.pretrain import network as networks
from core.encoders.pretrain import vocabulary
from core.encoders.pretrain.batches import Marks, batches, hide, pieces
from core.encoders.pretrain.plan import PretrainPlan
from core.errors import BadFile, EncoderUnavailable, TrainingDiverged
from core.experiments.directory import publish
from core.models.base import best_device
from core.seeds import numbers
from core.text.hub import first_line, quiet

CHECKPOINT, REPORT, LOSSES, VOCABULARY = "checkpoint.pt", "pretraining.json", "losses.csv", "vocabulary"
_HELD_OUT = 0.02  # of the texts, at most so many:
_HELD_OUT_MOST = 400
_EVERY_S = 60.0  # between two checkpoints


class Stand(NamedTuple):
    """After a step. ``eta_s`` is of the steps since this start."""

    step: int
    steps: int
    loss: float
    eta_s: float | None


@dataclass
class _Course:
    network: Any
    tokenizer: Any
    marks: Marks
    rows: list[NDArray[np.int64]]
    held_out: list[NDArray[np.int64]]
    conversion: str
    device: torch.device
    lengths: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.lengths = np.array([len(row) for row in self.rows], dtype=np.int64)


def pretrain(
    plan: PretrainPlan, texts: Sequence[str], out: Path, *, every_s: float = _EVERY_S
) -> Generator[Stand, None, dict[str, Any]]:
    """Train, and put the encoder into ``out``; the report is returned. The caller holds the directory.

    Closing the generator keeps a checkpoint. Raises EncoderUnavailable: no package, or the encoder to go on from
    cannot be had; TooLittleMemory; TrainingDiverged; BadFile: the checkpoint is damaged.
    """
    if (out / REPORT).exists() and (out / "config.json").exists():
        return json.loads((out / REPORT).read_text(encoding="utf-8"))
    course = _course(plan, texts, out)
    steps = plan.steps or plan.epochs * len(batches(course.lengths, plan.tokens_a_step, plan.seed, 0))
    # BERT's weight decay; torch's corrected moments, since a network made new has no memory of its own
    optimizer = torch.optim.AdamW(
        layered(course.network, torch.nn.Module(), lr=plan.rate, head_lr=plan.rate, decay=1.0,
                weight_decay=plan.weight_decay),
        lr=plan.rate, betas=(0.9, 0.98), eps=1e-6,
    )  # fmt: skip
    history = _resumed(out, course, optimizer)
    began, done_before, kept = time.monotonic(), len(history), time.monotonic()
    try:
        for step, batch in _from_step(course, plan, len(history), steps):
            loss = _learn(course, plan, optimizer, batch, step, steps)
            history.append(loss)
            now = time.monotonic()
            each = (now - began) / (len(history) - done_before)
            yield Stand(len(history), steps, loss, each * (steps - len(history)))
            if now - kept > every_s:
                _keep(out, course, optimizer, history)
                kept = now
    except GeneratorExit:
        _keep(out, course, optimizer, history)
        raise
    report = _report(plan, course, history, len(texts))
    _finish(out, course, history, report)
    return report


def _course(plan: PretrainPlan, texts: Sequence[str], out: Path) -> _Course:
    """Network, tokenizer and pieces. ``texts`` come in an order of chance already: by their hashes."""
    if plan.start:
        network, encoder = networks.continued(plan)
        tokenizer, longest = encoder.tokenizer, encoder.longest
    else:
        longest = networks.tokens_of(plan)
        tokenizer = _tokenizer(plan, texts, out, longest)
        network = networks.fresh(plan, len(tokenizer))
    tokens = min(plan.max_tokens or longest, longest)
    device = best_device()
    parameters = sum(value.numel() for value in network.parameters())
    at_once = max(1, plan.tokens_a_step // tokens)
    need = bytes_needed(network.config, parameters, batch=at_once, tokens=tokens, learning=True)
    hidden = plan.mask_share * plan.tokens_a_step * int(network.config.vocab_size) * 4 * 3  # scores there and back
    refuse_too_little(plan.start or plan.size, int(need + hidden), device)
    ids = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True, verbose=False)["input_ids"]
    rows = [np.array(row, dtype=np.int64) for row in ids]
    aside = min(_HELD_OUT_MOST, max(1, int(len(rows) * _HELD_OUT)))
    first, last = int(tokenizer.cls_token_id), int(tokenizer.sep_token_id)
    return _Course(
        network=network.to(device).train(), tokenizer=tokenizer, marks=networks.marks_of(tokenizer, network),
        rows=pieces(rows[aside:], first, last, tokens), held_out=pieces(rows[:aside], first, last, tokens),
        conversion=plan.conversion, device=device,
    )  # fmt: skip


def _tokenizer(plan: PretrainPlan, texts: Sequence[str], out: Path, longest: int) -> Any:
    """Learned once: a pretraining goes on with the vocabulary it began with."""
    place = out / VOCABULARY
    if (place / "done").exists():
        return load.library().AutoTokenizer.from_pretrained(str(place), local_files_only=True)
    made = vocabulary.train(texts, plan.shape.vocabulary, longest)
    made.save_pretrained(str(place))
    publish(place / "done", b"")
    return made


def _from_step(
    course: _Course, plan: PretrainPlan, done: int, steps: int
) -> Generator[tuple[int, NDArray[np.int64]], None, None]:
    """The batches that are left, numbered."""
    at = epoch = 0
    while at < steps:
        order = batches(course.lengths, plan.tokens_a_step, plan.seed, epoch)
        for batch in order[: steps - at]:
            if at >= done:
                yield at, batch
            at += 1
        epoch += 1


def _learn(
    course: _Course, plan: PretrainPlan, optimizer: torch.optim.Optimizer, batch: NDArray[np.int64], step: int,
    steps: int,
) -> float:  # fmt: skip
    rng = numbers(plan.seed, "hide", step)
    hidden = hide([course.rows[n] for n in batch], course.marks, plan.mask_share, rng).to(course.device)
    if not len(hidden.what):
        return 0.0  # nothing but marks
    set_rate(optimizer, share_of_rate(step, steps, plan.warm_up))
    with torch.autocast(course.device.type, dtype=torch.bfloat16, enabled=course.device.type == "cuda"):
        found = networks.scores(course.network, hidden)
    loss = torch.nn.functional.cross_entropy(found.float(), hidden.what)
    if not math.isfinite(loss.item()):
        raise TrainingDiverged(lr=plan.rate)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(course.network.parameters(), plan.clip)
    optimizer.step()
    return float(loss.item())


def _keep(out: Path, course: _Course, optimizer: torch.optim.Optimizer, history: list[float]) -> None:
    file = io.BytesIO()
    state = {"network": course.network.state_dict(), "optimizer": optimizer.state_dict(), "losses": list(history)}
    torch.save(state, file)
    publish(out / CHECKPOINT, file.getvalue())


def _resumed(out: Path, course: _Course, optimizer: torch.optim.Optimizer) -> list[float]:
    """The losses so far; network and optimizer are put back to where they were."""
    path = out / CHECKPOINT
    if not path.exists():
        return []
    try:
        state = torch.load(path, weights_only=True, map_location=course.device)
        course.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        return [float(value) for value in state["losses"]]
    except Exception as error:  # a damaged file fails in as many ways as there are
        detail = f"{first_line(error)}; remove it to begin again / 刪掉它就會重新開始"
        raise BadFile(name=str(path), why="unreadable", detail=detail) from error


def measured(course_network: Any, rows: Sequence[NDArray[np.int64]], marks: Marks, seed: int) -> dict[str, float]:
    """Loss and share of hidden tokens found, on texts never trained on; the same tokens are hidden each time."""
    total = right = count = 0.0
    device = next(course_network.parameters()).device
    course_network.eval()
    for start in range(0, len(rows), 32):
        hidden = hide(rows[start : start + 32], marks, 0.15, numbers(seed, "held out", start)).to(device)
        if not len(hidden.what):
            continue
        with torch.no_grad():
            found = networks.scores(course_network, hidden).float()
        total += float(torch.nn.functional.cross_entropy(found, hidden.what, reduction="sum"))
        right += float((found.argmax(dim=1) == hidden.what).sum())
        count += len(hidden.what)
    return {"loss": total / max(count, 1), "found": right / max(count, 1), "tokens": count}


def _report(plan: PretrainPlan, course: _Course, history: list[float], texts: int) -> dict[str, Any]:
    return {
        "plan": plan.settings(), "texts": texts, "pieces": len(course.rows),
        "tokens": int(course.lengths.sum()), "vocabulary": len(course.tokenizer), "steps": len(history),
        "parameters": sum(value.numel() for value in course.network.parameters()),
        "held_out": measured(course.network, course.held_out, course.marks, plan.seed),
        "conversion": course.conversion,
    }  # fmt: skip


def _finish(out: Path, course: _Course, history: list[float], report: dict[str, Any]) -> None:
    """The encoder's files first, the report last: with it the work is done."""
    try:
        with quiet():
            course.network.eval().save_pretrained(str(out))
            course.tokenizer.save_pretrained(str(out))
    except OSError as error:
        raise EncoderUnavailable(name=str(out), why="", detail=first_line(error)) from error
    publish(out / load.OURS, json.dumps({"conversion": course.conversion}).encode())
    lines = "".join(f"{n},{loss:.6f}\n" for n, loss in enumerate(history, start=1))
    publish(out / LOSSES, f"step,loss\n{lines}".encode())
    publish(out / REPORT, json.dumps(report, ensure_ascii=False, indent=2).encode())
    (out / CHECKPOINT).unlink(missing_ok=True)
