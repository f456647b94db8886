"""The product's TextCNN as the student of a head over an encoder: what runs where no transformer does."""

from __future__ import annotations

import time
from collections.abc import Generator

from core.config import RoundConfig
from core.errors import NothingToExport
from core.evaluate.crossval import Fold
from core.experiments.corpus import Corpus
from core.reproduce import cells
from core.reproduce.heads.place import Place
from core.reproduce.heads.plan import GIVEN, STUDENT, HeadsPlan, Key
from core.steps import through


def config_of(plan: HeadsPlan, key: Key) -> RoundConfig:
    """A round's student as it is by default, without spliced texts: the teacher has answered for none."""
    return RoundConfig.from_mapping({"arch": "textcnn.v1", "spliced": 0, "seed": key.seed})


def small_cell(plan: HeadsPlan, corpus: Corpus, key: Key, parts: Fold, place: Place) -> Generator[float, None, None]:
    """Train it on the teacher's probabilities mixed with the labels, or (``alone``) on the labels.

    Raises NothingToExport: the teacher's cell was taken away meanwhile. TrainingDiverged.
    """
    started, config = time.monotonic(), config_of(plan, key)
    soft = None
    if key.encoder == STUDENT:
        teacher = place.read(key._replace(encoder=GIVEN))
        if teacher is None:
            raise NothingToExport(what=key._replace(encoder=GIVEN).name)
        soft = teacher["soft"]
    tokens = yield from through(cells.cut(corpus, config), lambda share: 0.1 * share)
    steps = cells.material(corpus, tokens, parts, config, place.out / "word_vectors")
    material = yield from through(steps, lambda share: 0.1 + 0.1 * share)
    cell = yield from through(cells.student_cell(material, config, soft), lambda share: 0.2 + 0.8 * share)
    place.write(key, {
        "test": cell.test, "probs": cell.test_probs, "cuts": cell.thresholds, "ms_a_text": 0.0,
        "seconds": time.monotonic() - started,
    })  # fmt: skip
    yield 1.0
