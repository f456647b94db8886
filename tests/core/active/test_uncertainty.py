"""The four uncertainties and the registry's door, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from core.active import uncertainty
from core.active.candidates import Candidates
from core.active.registry import STRATEGIES, choose, usable
from core.errors import BadSetting, StrategyNeeds
from core.messages import sentence


def candidates(probs, thresholds=(0.5, 0.5), **more):
    return Candidates(probs=probs, thresholds=thresholds, labelled_y=[[1, 0], [0, 1]], **more)


def test_entropies_in_bits_by_hand():
    c = candidates([[0.5, 0.5], [0.5, 0.0], [0.25, 1.0]])
    quarter = 0.8112781244591328  # H(1/4)
    assert uncertainty.mean_entropy(c) == pytest.approx([1, 0.5, quarter / 2])
    assert uncertainty.max_entropy(c) == pytest.approx([1, 1, quarter])


def test_the_nearest_threshold_by_hand():
    c = candidates([[0.5, 0.5], [0.12, 0.0], [0.9, 0.9]], thresholds=(0.1, 0.8))
    assert uncertainty.threshold_distance(c) == pytest.approx([-0.3, -0.02, -0.1])


def test_entropy_seen_from_the_threshold_by_hand():
    # odds 1/9 at a threshold of odds 1/9 are even odds; odds 1 seen from there are 9:1
    c = candidates([[0.1, 0.5], [0.5, 0.5]], thresholds=(0.1, 0.5))
    nine_to_one = -(0.9 * np.log2(0.9) + 0.1 * np.log2(0.1))
    assert uncertainty.threshold_entropy(c) == pytest.approx([1, (nine_to_one + 1) / 2])


def test_an_unknown_strategy_and_one_that_lacks_something_say_so():
    c, rng = candidates([[0.5, 0.5]]), np.random.default_rng(0)
    with pytest.raises(BadSetting) as unknown:
        choose("best", c, 1, rng)
    assert "chance" in sentence(unknown.value, "en")
    assert set(usable(c)) <= set(STRATEGIES)
    for name in set(STRATEGIES) - set(usable(c)):
        with pytest.raises(StrategyNeeds) as lacking:
            choose(name, c, 1, rng)
        assert lacking.value.fields["strategy"] == name
        assert lacking.value.fields["what"] in STRATEGIES[name].needs


def test_what_is_lacking_is_said_in_words():
    error = StrategyNeeds(strategy="bald", what="committee")
    assert "the probabilities of each teacher" in sentence(error, "en")
    assert "老師" in sentence(error, "zh")
    assert "老师" in sentence(error, "hans")
