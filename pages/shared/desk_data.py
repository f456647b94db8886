"""What the label board is told, as plain values: words, labels with their rules, texts, and my past decisions."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from typing import Any

from core.label_rules import LISTED
from core.labels import Label
from core.services.annotating import LeasedText, MyProgress
from core.services.looking_back import Past
from core.services.preferences import DEFAULT_KEYS, SLOTS, Desk
from core.text.alike import alike
from core.text.keywords import keywords
from pages.shared import reasons
from pages.shared.components.label_board.blocks import blocks
from pages.shared.i18n import t

PAST = 30  # decisions a page
WORDS = (
    "board", "labels", "about", "no_definition", "save", "stay", "skip", "flag", "undo", "close", "help",
    "help_short", "help_more", "press", "comment", "comment_example", "comment_send", "comment_cancel", "goal_bar",
    "today_of", "today", "pool", "pace", "state_saved", "state_saving", "state_slow", "state_offline", "state_out",
    "state_offline_idle", "state_out_idle", "need_label", "need_label_touch", "label_merged", "label_retired",
    "undone", "nothing_to_undo",
    "loading", "swapped", "guideline", "guideline_short", "example", "counter_example", "lead_note", "search",
    "search_example", "find", "find_example", "found_n", "found_none", "browse", "chosen", "take_off", "of_likely",
    "of_recent", "of_first", "of_pinned", "guide_some",
    "no_number", "back_short", "forward_short", "chance_alone", "chance_above", "chance_below",
    "stayed", "revised", "unrevised", "loading_past",
    "past_end", "past_title", "past_skipped", "past_flagged", "past_labelled",
    "past_versions", "past_save", "past_stay", "past_skip", "past_flag", "past_undo", "past_settled",
    "past_settled_no", "past_left_out", "past_leave",
    "rest", "rest_close", "settings", "settings_short", "set_keys", "set_more",
    "set_reset", "set_was_reset", "set_kept", "set_press", "set_press_long", "set_taken", "set_unusable",
    "set_bounds", "set_label", "set_font_size", "set_line_height", "set_measure", "set_sentences",
    "set_sentences_none", "set_sentences_space", "set_sentences_line", "set_highlights", "set_daily_goal",
    "set_goal_usual", "set_break", "set_minutes", "set_never", "key_toggle", "key_number", "key_save", "key_stay",
    "key_skip", "key_flag", "key_undo", "key_back", "key_forward", "key_again", "key_guide", "key_take_off",
    "key_search", "key_highlights", "key_settings", "key_help",
)  # fmt: skip


def board_words() -> dict[str, str]:
    """All words of the board in the reader's language; the board fills the places in braces itself."""
    return {name: t(f"annotate.{name}") for name in WORDS}


def usual_desk() -> dict[str, Any]:
    """The desk of somebody who has set nothing, with all its keys."""
    return {**Desk().values(), "keys": dict(DEFAULT_KEYS)}


def _digits(labels: Sequence[Label]) -> dict[str, str]:
    """Label key → its own digit: the one that a lead has set, else the next that is free.

    Of more labels than the board lists, those alone that a lead has set: the others are for the labels at hand.
    """
    found: dict[str, str] = {}
    for label in labels:
        if label.hotkey in map(str, range(1, SLOTS + 1)) and label.hotkey not in found.values():
            found[label.key] = label.hotkey
    if len(labels) > LISTED:
        return found
    free = [str(n) for n in range(1, SLOTS + 1) if str(n) not in found.values()]
    for label in labels:
        if label.key not in found and free:
            found[label.key] = free.pop(0)
    return found


def board_labels(labels: Sequence[Label], language: str, notes: dict[str, str] | None = None) -> list[dict[str, Any]]:
    """The toggles in the order in which people see them, each with what reaches it: a digit, or else its number."""
    digits, said = _digits(labels), notes or {}
    words = keywords({label.key: (label.definition, label.examples, label.keywords) for label in labels})
    width = max(2, len(str(len(labels)))) if len(labels) > SLOTS else 1
    found = []
    for position, label in enumerate(labels, start=1):
        name, other = label.name(language), label.zh if language == "en" else label.en
        found.append(
            {
                "key": label.key,
                "name": name,
                "other": "" if other == name else other,
                "definition": (label.definition_en if language == "en" else "") or label.definition,
                "examples": list(label.examples),
                "counter_examples": list(label.counter_examples),
                "keywords": list(words[label.key]),
                "note": said.get(label.key, ""),
                "colour": label.colour,
                "digit": digits.get(label.key, ""),
                "number": str(position).zfill(width) if len(labels) > SLOTS else "",
            }
        )
    return found


def _written(label: dict[str, Any]) -> tuple[str, ...]:
    """Its words that are looked for, in a text or by their name."""
    return (*label["keywords"], label["name"], label["other"])


@functools.lru_cache(maxsize=16)
def _still(
    labels: tuple[Label, ...], guideline: str, notes: tuple[tuple[str, str], ...], language: str
) -> dict[str, Any]:
    made = board_labels(labels, language, dict(notes))
    values = {
        "labels": made,
        "listed": LISTED,
        "alike": alike(word for label in made for word in _written(label)),
        "guideline": blocks(guideline),
        "words": board_words(),
        "usual": usual_desk(),
        "closed": {"title": t("annotate.closed_title"), "body": t("annotate.closed_body")},
        "removed": {"title": t("annotate.removed_title"), "body": t("annotate.removed_body")},
        "archived_words": {"title": t("annotate.archived_title"), "body": t("annotate.archived_body")},
    }
    mark = hashlib.sha256(json.dumps(values, ensure_ascii=False).encode()).hexdigest()[:16]
    return {"id": mark, "values": values}


def still(
    labels: tuple[Label, ...], guideline: str, notes: dict[str, str], language: str, *, known: str
) -> tuple[str, dict[str, Any] | None]:
    """The mark of what seldom changes, and the thing itself; None for a board that has it already."""
    found = _still(labels, guideline, tuple(sorted(notes.items())), language)
    return found["id"], None if found["id"] == known else found


def empty_words(mine: MyProgress, role: str) -> dict[str, str]:
    """What an empty desk says: nothing imported, my own skips left, nothing free just now, or all done."""
    who = "lead" if role in ("lead", "admin") else "annotator"
    if not mine.pool:
        return {"title": t("annotate.empty_none_title"), "body": t(f"annotate.empty_none_{who}")}
    if mine.skipped:
        others = mine.waiting - mine.skipped
        return {
            "title": t("annotate.empty_skipped_title", n=f"{mine.skipped:,}"),
            "body": t("annotate.empty_skipped_others", n=f"{others:,}") if others else t("annotate.empty_skipped_only"),
            "again": t("annotate.again", n=f"{mine.skipped:,}"),
        }
    if mine.waiting:
        return {
            "title": t("annotate.empty_waiting_title"),
            "body": t("annotate.empty_waiting_body", n=f"{mine.waiting:,}"),
        }
    return {"title": t("annotate.empty_done_title"), "body": t(f"annotate.empty_done_{who}")}


def trouble_words() -> dict[str, str]:
    """What an empty desk says while the database hands out nothing."""
    return {"title": t("annotate.empty_trouble_title"), "body": t("annotate.empty_trouble_body")}


def board_texts(
    texts: Sequence[LeasedText], names: dict[str, str], stopped: tuple[int, tuple[str, ...]] | None
) -> list[dict[str, Any]]:
    """Texts as the board wants them; the one that somebody stopped at comes first, with what they had chosen."""
    found = [
        {
            "id": text.id,
            "text": text.text,
            "why": reasons.words("annotate", text.reason, names),
            "chosen": list(text.chosen),
            "suggestions": text.suggestions,
        }
        for text in texts
    ]
    for doc in found:
        if stopped and doc["id"] == stopped[0]:
            doc["chosen"] = list(stopped[1])
    return sorted(found, key=lambda doc: not (stopped and doc["id"] == stopped[0]))


def past_page(found: Sequence[Past], names: dict[str, str], before: int | None) -> dict[str, Any]:
    """A page of my decisions, newest first."""
    return {
        "before": before,
        "more": len(found) == PAST,
        "items": [
            {
                "id": past.id,
                "document": past.document_id,
                "uid": past.uid,
                "text": past.text,
                "labels": list(past.labels),
                "decision": past.decision,
                "comment": past.comment,
                "versions": past.versions,
                "at": past.at,
                "left_out": past.left_out,
                "settled": None if past.settled is None else [names.get(key, key) for key in past.settled],
            }
            for past in found
        ],
    }
