"""Very many labels' frequencies as a curve: every label is on it, in its band, and one without texts has a place."""

from __future__ import annotations

import pytest
from sqlite_utils import Database

from core.services.dashboard import long_tail
from pages.shared.dashboard import tail_curve
from tests import many_labels
from tests.pages.plotted import plotted


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_label_is_on_the_curve(db: Database, lang: str) -> None:
    project = many_labels.make(db, many_labels.Size(labels=200, texts=60, gold=20, done=30))
    found = long_tail.long_tail(db, project)
    names = {label.key: label.name(lang) for label in many_labels.many_labels(200)}
    drawn = plotted(tail_curve.frequency(found, names, lang))
    assert [len(line.x) for line in drawn.data] == [44, 67, 89]
    assert [rank for line in drawn.data for rank in line.x] == list(range(1, 201))
    texts = [n for line in drawn.data for n in line.y]
    assert texts == sorted(texts, reverse=True)
    assert texts == [max(line.pool + line.gold, 0.5) for line in found.labels]
    assert texts[-1] == 0.5
    assert drawn.layout.yaxis.ticktext[0] == "0"
    assert names[found.labels[0].key] in drawn.data[0].text[0]
