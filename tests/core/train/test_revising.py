"""What is done to logits is the same while a round measures, while it scores, and after it was stored."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from core.errors import ModelUnavailable
from core.evaluate.calibration import fit
from core.models.neighbours import Neighbours
from core.models.registry import ARCHITECTURES
from core.train.checkpoint import NEIGHBOURS
from core.train.revising import Revision, Said, revised, said_steps
from core.train.scoring import EngineScorer, score_rows, scorer
from tests.core.making import drained
from tests.core.train.test_scoring import by_module, made, rows

DRAW = np.random.default_rng(0)


def revision(size: int, *, neighbours: bool = True, calibration: bool = True) -> Revision:
    z, y = DRAW.normal(size=(300, 4)), DRAW.random((300, 4)) < (0.4, 0.3, 0.02, 0.5)
    near = Neighbours(
        places=DRAW.normal(size=(30, size)).astype(np.float32),
        y=DRAW.random((30, 4)) < 0.4,
        nearest=5,
        width=2.0,
        share=0.3,
    )
    return Revision(near if neighbours else None, fit("auto", z, y) if calibration else None)


@pytest.mark.parametrize("arch", sorted(ARCHITECTURES))
def test_places_are_the_modules_embedding_and_logits_its_own(arch: str):
    import torch

    from core.text.batches import padded

    model, config = made(arch)
    by = scorer(model, config)
    reports, said = drained(said_steps(by, rows(), places=True))
    assert reports[-1] == len(rows())
    assert np.abs(expit(said.logits) - by_module(model, rows())).max() < 1e-5
    with torch.no_grad():
        expected = np.concatenate([model.embedding(model.read(torch.from_numpy(padded([row])))) for row in rows()])
    np.testing.assert_allclose(said.places, expected, atol=1e-5)
    np.testing.assert_allclose(EngineScorer(model, config, dense=True).placed(rows())[1], expected, atol=1e-5)
    alone = drained(said_steps(by, rows(), places=False))[1]
    assert alone.places.shape == (len(rows()), 0)
    np.testing.assert_allclose(alone.logits, said.logits, atol=1e-5)


@pytest.mark.parametrize("arch", ["textcnn.v1", "textcnn_att.v1", "han.v1"])
@pytest.mark.parametrize("lanes", [1, 2])
def test_a_pool_in_chunks_is_revised_as_a_whole(arch: str, lanes: int):
    model, config = made(arch)
    by = scorer(model, config)
    said = drained(said_steps(by, rows(), places=True))[1]
    for given in (revision(said.places.shape[1]), revision(said.places.shape[1], neighbours=False)):
        by.chunk = by.batch = 4
        found = score_rows(revised(by, given), rows(), lanes)
        assert found.dtype == np.float32
        assert np.abs(found - expit(given(said))).max() < 1e-5
        assert np.abs(found - expit(said.logits)).max() > 0.01, "it changes something"


def test_nothing_to_revise_leaves_the_scorer_alone():
    model, config = made()
    by = scorer(model, config)
    assert revised(by, Revision()) is by
    said = Said(DRAW.normal(size=(5, 4)), np.empty((5, 0), dtype=np.float32))
    assert np.array_equal(Revision()(said), said.logits)


def stored(given: Revision, directory: Path) -> None:
    if given.arrays():
        np.savez(directory / NEIGHBOURS, **given.arrays())


@pytest.mark.parametrize("parts", [(True, True), (True, False), (False, True), (False, False)])
def test_stored_and_read_again_it_does_the_same(parts: tuple[bool, bool], tmp_path: Path):
    given = revision(6, neighbours=parts[0], calibration=parts[1])
    stored(given, tmp_path)
    again = Revision.from_json(given.to_json(), tmp_path)
    said = Said(DRAW.normal(size=(50, 4)), DRAW.normal(size=(50, 6)).astype(np.float32))
    assert np.array_equal(again(said), given(said))
    assert again.empty == (not any(parts))
    assert Revision.from_json(None, tmp_path).empty, "a student of before there were revisions"


def test_a_part_that_is_gone_or_damaged_is_said(tmp_path: Path):
    given = revision(6)
    with pytest.raises(ModelUnavailable):
        Revision.from_json(given.to_json(), tmp_path)
    stored(given, tmp_path)
    (tmp_path / NEIGHBOURS).write_bytes((tmp_path / NEIGHBOURS).read_bytes()[:100])
    with pytest.raises(ModelUnavailable):
        Revision.from_json(given.to_json(), tmp_path)
    with pytest.raises(ModelUnavailable):
        Revision.from_json({"calibration": {"scale": [1.0]}}, tmp_path)
