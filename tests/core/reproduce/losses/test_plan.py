from __future__ import annotations

from collections.abc import Mapping

import pytest

from core.config import LOSSES
from core.errors import BadSetting
from core.reproduce.losses.plan import BASELINES, PUBLISHED_LOSSES, LossPlan
from core.reproduce.losses.published import GROUPS, TABLE
from core.reproduce.plan import Key


def test_without_options_it_is_the_papers_losses_five_times_beside_two_baselines() -> None:
    cells = list(LossPlan().cells())
    assert cells[-2:] == list(BASELINES)
    assert cells[:-2] == [Key(seed, 0, "textcnn.v1", loss) for seed in range(5) for loss in PUBLISHED_LOSSES]
    assert len({key.name for key in cells}) == len(cells) == 42


def test_every_loss_of_the_paper_is_one_of_ours_and_has_its_figures() -> None:
    assert set(PUBLISHED_LOSSES) <= set(LOSSES)
    assert set(TABLE) == {(model, group) for model in PUBLISHED_LOSSES for group in GROUPS} | {
        ("svm", group) for group in GROUPS[:4]
    }
    assert TABLE["db.v1", "tail"] == (48.89, 31.39)
    assert TABLE["cb_ntr.v1", "multi"] == (79.56, 49.94)
    assert max(macro for (_, group), (_, macro) in TABLE.items() if group == "total") == 64.47


def test_losses_of_one_seed_start_alike_and_seeds_do_not() -> None:
    plan = LossPlan()
    first, other, again = (
        plan.config(Key(seed, 0, "textcnn.v1", loss)) for seed, loss in ((0, "bce.v1"), (0, "db.v1"), (1, "db.v1"))
    )
    assert (first.seed, first.loss, other.loss) == (other.seed, "bce.v1", "db.v1")
    assert again.seed != other.seed
    assert {plan.config(key).loss for key in BASELINES} == {"bce.v1"}


def test_seeds_losses_and_threads_may_change_under_one_directory_and_settings_may_not() -> None:
    frozen = LossPlan().frozen()
    assert LossPlan(losses=("asl.v1",), seeds=(7,), archs=("han.v1",), threads=3).frozen() == frozen
    assert LossPlan(settings={"lr": 0.01}).frozen() != frozen


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"losses": ("magic.v1",)}, "losses"), ({"losses": ()}, "losses"), ({"losses": ("bce.v1",) * 2}, "losses"),
        ({"archs": ("bert.v1",)}, "arch"), ({"seeds": ()}, "seeds"), ({"seeds": (-1,)}, "seeds"),
        ({"seeds": (1, 1)}, "seeds"), ({"settings": {"loss": "db.v1"}}, "loss"),
        ({"settings": {"filters": 0}}, "filters"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(change: Mapping, field: str) -> None:
    with pytest.raises(BadSetting) as caught:
        LossPlan(**change)
    assert caught.value.fields["field"] == field
