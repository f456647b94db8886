"""The dashboard's tabs: the address opens one, only that one is built, a link elsewhere on the page another."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.testing.v1 import AppTest

from pages.shared.dashboard import spark, tabs
from tests.pages.conftest import House
from tests.pages.filling import fill


@pytest.fixture
def page(house: House, tmp_path: Path) -> AppTest:
    fill(house, tmp_path)
    return house.page("dashboard", "lead")


def built(page: AppTest) -> int:
    """How many tabs have their content."""
    return len(page.tabs) - sum('class="tagtail-waits"' in each.proto.body for each in page.get("html"))


def test_the_first_look_builds_the_overview_alone(page: AppTest) -> None:
    page.run()
    assert len(page.tabs) == 6
    assert built(page) == 1
    assert page.query_params["tab"] == "overview"
    assert page.tabs[0].metric


@pytest.mark.parametrize(("tab", "place"), [("labels", 1), ("report", 5), ("nothing-of-that-name", 0)])
def test_the_address_opens_a_tab(page: AppTest, tab: str, place: int) -> None:
    page.query_params["tab"] = tab
    page.run()
    assert built(page) == 1
    assert "tagtail-waits" not in "".join(each.proto.body for each in page.tabs[place].get("html"))
    assert not page.exception


def test_a_link_on_the_page_opens_another_tab(page: AppTest) -> None:
    page.run()
    page.session_state[tabs.KEY] = "tail"  # what ``go`` does from a callback
    page.run()
    assert page.query_params["tab"] == "tail"
    assert not page.tabs[0].metric
    assert built(page) == 1


def headline_of(project_id: int) -> None:
    from pages.shared.dashboard import overview

    overview.headline(project_id)


def test_out_of_sight_the_tiles_stay_as_they_were(house: House, tmp_path: Path) -> None:
    fill(house, tmp_path)
    house.enter("lead")
    page = AppTest.from_function(headline_of, args=(house.project_id,), default_timeout=30).run()
    (before,) = (each.value for each in page.metric if "/" in each.value)
    fill(house, tmp_path, open_texts=16)  # ten that were not there
    page.session_state[tabs.KEY] = "tail"
    page.run()
    assert [each.value for each in page.metric if "/" in each.value] == [before]
    page.session_state[tabs.KEY] = "overview"
    page.run()
    assert [each.value for each in page.metric if "/" in each.value] != [before]


@pytest.mark.parametrize(
    ("follows", "told"),
    [
        (["tiles"], ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY),
        (["people"], ForwardMsg.FINISHED_EARLY_FOR_RERUN),  # what that run drew is dropped and drawn anew
        (None, ForwardMsg.FINISHED_EARLY_FOR_RERUN),  # the whole page
    ],
)
def test_a_run_that_ended_well_is_told_so_unless_its_drawing_is_dropped(follows: list[str] | None, told: int) -> None:
    assert tabs.ended_runs.tell_all() is None  # a second time
    queue, drawn, end = ForwardMsgQueue(), ForwardMsg(), ForwardMsg()
    drawn.delta.fragment_id = "people"
    drawn.delta.new_element.markdown.body = "α"
    drawn.metadata.delta_path.extend([0, 1])
    end.script_finished = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY
    for each in (drawn, end):
        queue.enqueue(each)
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=follows)
    left = queue.flush()
    assert left[-1].script_finished == told
    assert (len(left) == 2) == (follows == ["tiles"])


def test_a_line_runs_from_left_to_right_and_higher_is_better() -> None:
    points = spark.points([0.2, 0.6, 0.4])
    assert [x for x, _ in points] == [0.0, 50.0, 100.0]
    lowest, highest, last = (y for _, y in points)
    assert highest < last < lowest  # a drawing counts downwards


def test_a_line_of_equal_values_is_level() -> None:
    assert {y for _, y in spark.points([0.5, 0.5])} == {spark.HEIGHT / 2}


def test_one_value_is_no_line() -> None:
    with pytest.raises(ValueError, match="two values"):
        spark.drawing([0.5], "")


def test_a_line_is_a_picture_with_words() -> None:
    drawn = spark.drawing([0.2, 0.4], 'from "0.2" <to> 0.4')
    assert 'alt="from &quot;0.2&quot; &lt;to&gt; 0.4"' in drawn
    assert drawn.count("<") == 1
