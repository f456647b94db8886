from __future__ import annotations

import pytest

from core.active.registry import STRATEGIES, Strategy
from core.errors import BadSetting
from core.simulate.plan import FULL, Key
from tests.core.simulate.making import tiny_plan


def test_chance_and_every_label_at_once_are_in_each_plan() -> None:
    plan = tiny_plan(strategies=("threshold_entropy", "threshold_entropy"))
    assert plan.strategies == ("threshold_entropy", "chance")
    assert list(plan.cells())[:3] == [Key(0, FULL), Key(0, "threshold_entropy"), Key(0, "chance")]
    assert len(list(plan.cells())) == 6


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strategies": ("luck",)}, "luck"), ({"learner": "guess"}, "linear | student"), ({"batch": 51}, "batch"),
        ({"batch": 0}, "batch"), ({"first": 60}, "first"), ({"first": 4}, "first"), ({"seeds": 0}, "seeds"),
        ({"budget": 3}, "budget"), ({"test_share": 1.0}, "test_share"), ({"explore_share": -1}, "explore_share"),
        ({"learner": "student", "first": 8}, "first"), ({"learner": "student", "first": 0}, "first"),
        ({"first": 0, "batch": 4}, "batch"), ({"settings": {"filters": 0}}, "filters"),
        ({"settings": {"magic": 1}}, "magic"),
    ],
)  # fmt: skip
def test_what_cannot_be_simulated_is_refused_by_name(changes: dict, said: str) -> None:
    with pytest.raises(BadSetting) as error:
        tiny_plan(**changes)
    assert said in str(error.value.fields)


def test_a_strategy_that_needs_what_the_learner_lacks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Strategy(name="asked", function=lambda c, size, rng: None, what="", needs=("committee",))  # type: ignore[arg-type,return-value]
    monkeypatch.setitem(STRATEGIES, "asked", asked)
    with pytest.raises(BadSetting) as error:
        tiny_plan(strategies=("asked",))
    assert "committee" in str(error.value.fields)


def test_only_what_changes_a_cell_is_frozen() -> None:
    assert tiny_plan().frozen() == tiny_plan(strategies=("mean_entropy",), seeds=9).frozen()
    assert tiny_plan().frozen() != tiny_plan(batch=10).frozen()
    student = {"learner": "student", "first": 12}
    assert tiny_plan(**student).frozen() != tiny_plan(**student, settings={"filters": 7}).frozen()
