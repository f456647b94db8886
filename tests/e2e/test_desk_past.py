"""My own past on the board: walking, changing, undoing, and the flow of a day; without a server."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from core.services.preferences import Desk
from core.text.alike import alike
from pages.shared import desk_data
from tests.e2e.alone import answer, first_sent, hear, load, opened, sent, type_keys
from tests.e2e.driving import pressed, shown

pytestmark = pytest.mark.e2e

DARK = "#10191a", "#e3efed", "#182526", "#2dbfae"
LIGHT = "#fbfcfc", "#16302d", "#eef3f2", "#0f766e"


@pytest.fixture
def page(browser: Browser) -> Page:
    return opened(browser)


def decided(number: int, *labels: str, **more: Any) -> dict[str, Any]:
    """A past decision as the server tells it; the higher the number, the later."""
    return {
        "id": number, "document": number, "uid": f"u{number}", "text": f"舊的第 {number} 篇", "labels": list(labels),
        "decision": "labelled", "comment": "", "versions": 1, "at": 1.7e9 + number, "settled": None, **more,
    }  # fmt: skip


def past(*items: dict[str, Any], before: int | None = None, more: bool = False) -> dict[str, Any]:
    return {"before": before, "more": more, "items": list(items)}


def test_arrows_walk_through_what_the_server_knows_and_back(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3"), decided(92, "k2"), decided(91, "k1"))))
    type_keys(page, "2", "ArrowLeft")
    assert (shown(page), pressed(page)) == (93, ["k3"])
    assert page.is_visible("[data-part=pastbar]")
    words = desk_data.board_words()
    assert "標3" in page.inner_text("[data-part=past-said]"), "what was decided"
    assert words["past_save"] in page.inner_text("[data-part=save]"), "the buttons say what they do here"
    assert words["past_undo"] in page.inner_text("[data-part=undo]")
    type_keys(page, "ArrowLeft", "ArrowLeft", "ArrowLeft")
    assert (shown(page), pressed(page)) == (91, ["k1"])
    assert page.inner_text("[data-part=hint]") == desk_data.board_words()["past_end"]
    type_keys(page, "ArrowRight", "ArrowRight", "ArrowRight")
    assert (shown(page), pressed(page)) == (1, ["k2"]), "what was begun on the present text is still begun"
    assert page.is_hidden("[data-part=pastbar]")
    assert words["save"] in page.inner_text("[data-part=save]")
    page.wait_for_timeout(200)
    assert sent(page) == [], "looking changes nothing"


def test_an_old_decision_is_changed_as_a_new_version(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3"), decided(92, "k2"))))
    type_keys(page, "ArrowLeft", "ArrowLeft", "1", "Enter")
    assert shown(page) == 93, "on towards the present"
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    (op,) = sent(page)
    made = {name: op[name] for name in ("kind", "document", "decision", "labels", "comment", "target")}
    wanted = {"kind": "revise", "document": 92, "decision": "labelled", "labels": ["k1", "k2"], "comment": ""}
    assert made == {**wanted, "target": "u92"}
    type_keys(page, "Enter")  # unchanged: only passed by
    assert shown(page) == 1
    hear(page, answer(1, 2, acked=[op["uid"]]))
    assert sent(page) == [op]
    type_keys(page, "ArrowLeft", "ArrowLeft")
    assert (shown(page), pressed(page)) == (92, ["k1", "k2"])
    type_keys(page, "f")
    page.keyboard.type("看錯了")
    page.keyboard.press("Enter")
    type_keys(page, "s")  # 93
    page.wait_for_function("window.sent.at(-1).ops.length === 2")
    assert [(o["document"], o["decision"], o["comment"]) for o in sent(page)] == [
        (92, "flagged", "看錯了"), (93, "skipped", ""),
    ]  # fmt: skip


def test_a_new_version_that_is_refused_is_as_it_was(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3"))))
    type_keys(page, "ArrowLeft", "1")
    page.evaluate("""() => document.body.dispatchEvent(new KeyboardEvent('keydown',
      {bubbles: true, composed: true, cancelable: true, key: 'Enter', code: 'Enter', shiftKey: true}))""")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    refusal = {"uid": first_sent(page)["uid"], "sentence": "這一篇已經裁定。"}
    hear(page, answer(1, 2, refused=[refusal]))
    assert (shown(page), pressed(page)) == (93, ["k3"])
    assert "裁定" in page.inner_text("[data-part=notices]")


def test_undo_right_after_a_change_brings_the_older_version_back_as_a_new_one(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3"), decided(92, "k2"))))
    type_keys(page, "ArrowLeft", "ArrowLeft", "1", "Enter")  # 92: k1, k2
    type_keys(page, "ArrowLeft", "2", "Enter", "Escape")  # 92: k1
    assert shown(page) == 1
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 2")
    page.wait_for_timeout(100)
    ops = sent(page)
    newest = decided(92, "k1", uid=ops[1]["uid"], versions=3)
    hear(load(page), answer(1, 2, acked=[op["uid"] for op in ops], past=past(newest, decided(93, "k3"))))
    type_keys(page, "u")
    assert (shown(page), pressed(page)) == (92, ["k1", "k2"]), "also after the page was loaded anew"
    assert page.inner_text("[data-part=hint]") == desk_data.board_words()["unrevised"]
    type_keys(page, "u")
    assert (shown(page), pressed(page)) == (92, ["k2"])
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 2")
    made = [(op["kind"], op["document"], op["labels"], op["decision"]) for op in sent(page)]
    assert made == [("revise", 92, ["k1", "k2"], "labelled"), ("revise", 92, ["k2"], "labelled")]
    refusal = {"uid": sent(page)[1]["uid"], "sentence": "這一篇已經定案。"}
    hear(page, answer(1, 2, acked=[first_sent(page)["uid"]], refused=[refusal]))
    assert (shown(page), pressed(page)) == (92, ["k1", "k2"]), "what could not be taken back stands"
    type_keys(page, "Escape")
    assert shown(page) == 1


def test_undo_goes_on_with_what_was_done_before_the_change(page: Page) -> None:
    hear(page, answer(1, 2, 3, past=past(decided(93, "k3"))))
    type_keys(page, "1", "Enter", "ArrowLeft", "ArrowLeft", "1", "Enter", "Escape", "u", "u")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 4")
    made = [(op["kind"], op["document"]) for op in sent(page)]
    assert made == [("save", 1), ("revise", 93), ("revise", 93), ("undo", 1)]
    assert (shown(page), pressed(page)) == (1, ["k1"])


def test_what_a_reviewer_settled_is_shown_and_not_changed(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3", settled=["標1", "標2"]), decided(92, "k1"))))
    type_keys(page, "ArrowLeft")
    assert "標1、標2" in page.inner_text("[data-part=past-said]")
    type_keys(page, "1", "Enter")
    assert page.inner_text("[data-part=hint]") == desk_data.board_words()["past_settled_no"]
    type_keys(page, "Escape", "u")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length")
    assert [(op["kind"], op["target"]) for op in sent(page)] == [("undo", "u92")]


def test_undo_reaches_beyond_this_visit_page_by_page(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93, "k3"), decided(92, "k2"), more=True)))
    type_keys(page, "1", "Enter", "u", "u")
    assert (shown(page), pressed(page)) == (93, ["k3"])
    page.wait_for_function("window.sent.at(-1).past && window.sent.at(-1).past.before === 92")
    type_keys(page, "u", "u")  # the second one is ahead of the server
    assert shown(page) == 92
    hear(page, answer(93, 92, 1, 2, past=past(decided(91, "k1"), decided(90), before=92)))
    assert (shown(page), pressed(page)) == (91, ["k1"])
    page.wait_for_function("window.sent.at(-1).ops.length === 5")
    assert [op["target"] for op in sent(page) if op["kind"] == "undo"][1:] == ["u93", "u92", "u91"]
    type_keys(page, "u", "u")
    assert (shown(page), page.inner_text("[data-part=hint]")) == (90, desk_data.board_words()["nothing_to_undo"])


def test_walking_on_past_the_first_page_waits_for_the_next(page: Page) -> None:
    hear(page, answer(1, 2, past=past(decided(93), more=True)))
    type_keys(page, "ArrowLeft", "ArrowLeft")
    assert page.inner_text("[data-part=hint]") == desk_data.board_words()["loading_past"]
    page.wait_for_function("window.sent.length && window.sent.at(-1).past.before === 93")
    hear(page, answer(1, 2))  # an answer to something else
    assert shown(page) == 93
    hear(page, answer(1, 2, past=past(decided(92, "k2"), before=93)))
    assert (shown(page), pressed(page)) == (92, ["k2"])


def test_the_server_knows_better_than_an_old_page_but_for_what_is_unsent(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "1", "Enter", "2", "Enter")
    page.wait_for_function("window.sent.length && window.sent.at(-1).ops.length === 2")
    first, second = sent(page)
    page.wait_for_timeout(100)
    hear(load(page), answer(3, acked=[first["uid"]], past=past(decided(1, "k3", uid="other"), decided(93, "k1"))))
    type_keys(page, "ArrowLeft")
    assert (shown(page), pressed(page)) == (2, ["k2"]), "unsent: only this browser has it"
    type_keys(page, "ArrowLeft")
    assert (shown(page), pressed(page)) == (1, ["k3"]), "changed elsewhere"
    assert second["document"] == 2


def test_a_text_that_colleagues_have_settled_is_never_shown(page: Page) -> None:
    hear(page, answer(1, 2, 3, 4))
    hear(page, answer(1, 3, 4))  # 2 has all its people by now
    type_keys(page, "1", "Enter")
    assert shown(page) == 3


def test_the_same_text_and_choices_after_a_reload(page: Page) -> None:
    hear(page, answer(1, 2, 3))
    type_keys(page, "s", "2", "3")
    page.wait_for_function("window.sent.length && window.sent.at(-1).place", timeout=6000)
    place = page.evaluate("window.sent.at(-1).place")
    assert (place["project"], place["document"], place["labels"]) == (1, 2, ["k2", "k3"])
    hear(load(page), answer(3, 2))  # whatever the server hands out first
    assert (shown(page), pressed(page)) == (2, ["k2", "k3"])


def test_time_without_input_or_in_a_hidden_tab_is_no_work(page: Page) -> None:
    page.context.set_offline(True)  # else the board would wait for an answer, and load the page anew
    page.clock.install()
    hear(page, answer(1, 2, 3))
    page.clock.run_for(20_000)
    type_keys(page, "1")
    page.clock.run_for(400_000)  # away: the clock stops a minute after the last key
    type_keys(page, "2")
    page.clock.run_for(5_000)
    type_keys(page, "Enter")
    page.clock.run_for(1000)
    assert 85_000 <= first_sent(page)["ms"] <= 86_500
    page.clock.run_for(3_000)
    page.evaluate("""() => {
      Object.defineProperty(document, 'hidden', {configurable: true, get: () => true});
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    page.clock.run_for(30_000)
    page.evaluate("""() => {
      Object.defineProperty(document, 'hidden', {configurable: true, get: () => false});
      document.dispatchEvent(new Event('visibilitychange'));
    }""")
    type_keys(page, "1", "Enter")
    page.clock.run_for(1000)
    assert 3_500 <= sent(page)[1]["ms"] <= 5_000


def test_a_break_is_spoken_of_only_where_it_was_asked_for(page: Page) -> None:
    page.context.set_offline(True)  # else the board would wait for an answer, and load the page anew
    page.clock.install()
    hear(page, answer(1, 2, desk=Desk(break_minutes=25).values()))
    for _ in range(26):
        page.clock.run_for(59_000)
        type_keys(page, "1")
    page.clock.run_for(2000)
    assert "25" in page.inner_text("[data-part=rest]")
    page.click("[data-part=rest-close]")
    assert page.is_hidden("[data-part=rest]")
    hear(page, answer(1, 2))
    for _ in range(60):
        page.clock.run_for(59_000)
        type_keys(page, "1")
    assert page.is_hidden("[data-part=rest]")


def test_my_own_goal_counts_and_the_projects_where_i_have_none(page: Page) -> None:
    progress = {"today": 5, "labelled": 5, "pool": 9, "daily_goal": 60}
    hear(page, answer(1, progress=progress))
    assert "60" in page.inner_text("[data-part=today]")
    hear(page, answer(1, progress=progress, desk=Desk(daily_goal=20).values()))
    assert page.inner_text("[data-part=today]") == "今天 5 / 20 篇"
    assert page.get_attribute("[data-part=bar]", "aria-valuenow") == "25"
    hear(page, answer(1, progress=progress, desk=Desk(daily_goal=0).values()))
    assert page.inner_text("[data-part=today]") == "今天 5 篇"


def test_words_are_marked_where_wanted_and_the_text_stays_the_text(page: Page) -> None:
    words = "抽血前先量血壓。<b>家用血壓計</b>也可以！好。"
    data = answer(1)
    data["docs"][0]["text"] = words
    data["labels"][0]["keywords"] = ["血壓", "家用血壓計", "<b>"]
    hear(page, data)
    assert page.locator("mark").count() == 0, "off until somebody wants them"
    type_keys(page, "h")
    assert page.locator("mark").all_inner_texts() == ["血壓", "<b>", "家用血壓計"]
    assert page.inner_text("[data-part=text]") == words
    assert page.locator("[data-part=text] b").count() == 0
    assert "underline" in page.evaluate("getComputedStyle(document.querySelector('mark')).textDecorationLine")
    hear(page, {**data, "desk": Desk(sentences="line").values()})
    page.wait_for_timeout(400)
    assert page.text_content("[data-part=text]") == words


def test_words_are_marked_in_simplified_and_traditional_characters(page: Page) -> None:
    data = answer(1, alike=alike(["憂鬱", "干咳"]), desk=Desk(highlights=True).values())
    data["docs"][0]["text"] = "忧郁、憂鬱、忧鬱；乾咳、干咳。"
    data["labels"][0]["keywords"] = ["憂鬱"]
    data["labels"][1]["keywords"] = ["干咳"]
    hear(page, data)
    assert page.locator("mark").all_inner_texts() == ["忧郁", "憂鬱", "忧鬱", "乾咳", "干咳"]
    titles = page.eval_on_selector_all("mark", "all => all.map((one) => one.title)")
    assert titles == ["標1"] * 3 + ["標2"] * 2


def test_the_models_view_is_a_bar_with_words(page: Page) -> None:
    data = answer(1, 2, thresholds={"k1": 0.4, "k2": 0.4})
    data["docs"][0]["suggestions"] = {"k1": 0.83, "k2": 0.1}
    hear(page, data)
    bars = page.locator(".chance:visible")
    assert bars.count() == 2
    said = [bars.nth(n).get_attribute("aria-label") for n in range(2)]
    assert "0.83" in said[0]
    assert said[0].startswith("模型建議")
    assert said[1].startswith("模型不建議")
    type_keys(page, "1", "Enter")
    assert page.locator(".chance:visible").count() == 0, "none for a text without suggestions, as gold has none"
    page.wait_for_function("window.sent.length")
    assert first_sent(page)["shown"] == {"k1": 0.83, "k2": 0.1}
    assert first_sent(page)["cuts"] == {"k1": 0.4, "k2": 0.4}, "what was suggested, as it was on the screen"


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = (css) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = css; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].map((v) => v / 255);
  };
  const lum = (c) => [0.2126, 0.7152, 0.0722].reduce((sum, w, i) =>
    sum + w * (c[i] <= 0.03928 ? c[i] / 12.92 : ((c[i] + 0.055) / 1.055) ** 2.4), 0);
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3]));
  const ground = (el) => {
    const layers = [];
    for (let at = el; at; at = at.parentElement) layers.push(rgba(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((under, top) => over(top, under), [1, 1, 1]);
  };
  const poor = [];
  for (const el of document.querySelectorAll('[data-part=board] *')) {
    const words = [...el.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (!words || !el.getClientRects().length || el.closest(':disabled')) continue;
    const under = ground(el), ink = over(rgba(getComputedStyle(el).color), under);
    const [a, b] = [lum(ink), lum(under)].sort((x, y) => y - x);
    if ((a + 0.05) / (b + 0.05) < 4.5) poor.push([el.textContent.slice(0, 20), el.className, (a + 0.05) / (b + 0.05)]);
  }
  return poor;
}"""


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("keys", [["1"], ["g", "1"], [","], ["?"], ["ArrowLeft"], ["Enter"], ["f"]], ids=str)
def test_every_word_stands_out_from_its_ground(page: Page, theme: tuple[str, ...], keys: list[str]) -> None:
    names = ("background-color", "text-color", "secondary-background-color", "primary-color")
    for name, colour in zip(names, theme, strict=True):
        page.evaluate("([n, c]) => document.documentElement.style.setProperty('--st-' + n, c)", [name, colour])
    page.evaluate("(c) => { document.body.style.background = c; }", theme[0])
    data = answer(1, 2, past=past(decided(93, "k2")), thresholds={"k1": 0.4}, trouble="磁碟滿了")
    data["docs"][0] |= {"why": "為什麼是這一篇", "suggestions": {"k1": 0.8, "k2": 0.1}}
    for label, colour in zip(data["labels"], ("#eeca3b", "#4c78a8", "#ff9da6"), strict=True):
        label |= {"colour": colour, "definition": "定義", "examples": ["例子"], "note": "註記"}
    hear(page, data)
    for key in keys:
        page.keyboard.press(key)
    assert page.evaluate(CONTRAST) == []


def test_on_a_telephone_all_labels_stay_above_the_buttons(browser: Browser) -> None:
    page = opened(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    data = answer(1, 2)
    data["docs"][0]["text"] = "血壓偏高的時候先休息，再量一次。" * 40
    hear(page, data)
    edges = """async () => {
      await document.fonts.ready;
      for (let n = 0; n < 3; n += 1) await new Promise(requestAnimationFrame);
      return ['[data-part=labels]', '[data-part=press]', '.actions'].map((name) => {
        const box = document.querySelector(name).getBoundingClientRect();
        return [box.top, box.bottom];
      });
    }"""
    labels, press, actions = page.evaluate(edges)
    assert labels[1] <= press[0] + 1 < press[1] <= actions[0] + 1 < actions[1] <= 845
    page.tap("[data-part=save]")  # no label: a hint
    after, _, actions = page.evaluate(edges)
    assert abs(after[0] - labels[0]) <= 4, "the labels stay where they are under the finger"
    assert after[1] <= actions[0] + 1
    assert page.is_hidden("[data-part=ask]"), "there are no keys to explain"
    page.tap("[data-part=settings-ask]")
    assert page.is_hidden("[data-part=settings-keys]")
    box = page.locator("[data-part=settings]").bounding_box()
    assert box is not None
    assert box["y"] >= 60, "under Streamlit's header, not behind it"
    page.tap("[data-part=settings-close]")
    page.tap("[data-part=guide-ask]")
    close = page.locator("[data-part=guide-close]").bounding_box()
    assert close is not None
    assert min(close["width"], close["height"]) >= 44


@pytest.mark.parametrize("language", ["zh", "en"])
def test_on_a_telephone_everything_can_be_touched_and_nothing_sticks_out(browser: Browser, language: str) -> None:
    page = opened(browser, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    hear(page, answer(1, 2, past=past(decided(93, "k2")), lang=language))
    small = """() => [...document.querySelectorAll('button, input, select')]
      .filter((one) => one.getClientRects().length)
      .map((one) => [one.dataset.part || one.dataset.label, one.getBoundingClientRect()])
      .filter(([, box]) => box.width < 24 || box.height < 24 || box.right > 391 || box.left < -1)
      .map(([name]) => name)"""
    assert page.evaluate(small) == []
    page.tap("[data-part=back]")
    assert shown(page) == 93
    page.tap("[data-part=undo]")
    assert shown(page) == 1
    page.tap("[data-part=guide-ask]")
    assert page.evaluate(small) == []
    page.tap("[data-part=guide-close]")
    page.tap("[data-part=settings-ask]")
    assert page.evaluate(small) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_nothing_moves_for_somebody_who_wants_no_motion(browser: Browser) -> None:
    page = opened(browser, reduced_motion="reduce")
    hear(page, answer(1))
    type_keys(page, "Enter")
    moving = """() => [...document.querySelectorAll('[data-part=board] *')].filter((one) => {
      const style = getComputedStyle(one);
      return style.animationName !== 'none' || parseFloat(style.transitionDuration) > 0;
    }).length"""
    assert page.evaluate(moving) == 0
