"""Every error as one sentence for the person who reads it: in Traditional Chinese, English, or Simplified Chinese.

Pages, routes and the command line all ask here. A code without a sentence of its own gets a calm general one with a
short mark that the log has too. Sentences say what was wrong and what to do next.
"""

from __future__ import annotations

import errno
import logging
import secrets
from typing import Any

from core.encoder_sentences import ENCODERS
from core.hans import hans
from core.sentences import (
    AT_LINE,
    BAD_FILE,
    BAD_LABEL,
    CANNOT_START,
    LACKING,
    NEEDS,
    NO_PROJECT_FILE,
    SENTENCES,
    UNDEFINED,
    UNFORESEEN,
)

log = logging.getLogger("tagtail")

LANGS = ("zh", "hans", "en")  # Traditional as in Taiwan, Simplified, English


class _Fields(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "—"


def in_language(pair: tuple[str, str], lang: str) -> str:
    """Which of (Traditional Chinese, English) a reader wants, or the first in Simplified characters."""
    return pair[1] if lang == "en" else hans(pair[0]) if lang == "hans" else pair[0]


def say(code: str, fields: dict[str, Any] | None = None, lang: str = "zh") -> str | None:
    """The sentence of a code, or None when there is none."""
    values = _Fields(fields or {})
    pair = SENTENCES.get(code)
    if code == "BadFile":
        pair = BAD_FILE.get(str(values["why"]), BAD_FILE["unreadable"])
        values.setdefault("detail", values["why"])
    elif code == "BadProjectFile" and not values["field"]:
        pair = NO_PROJECT_FILE.get(str(values["why"]), NO_PROJECT_FILE[""])
    elif code == "BadLabel":
        pair = BAD_LABEL.get(str(values["why"]), BAD_LABEL["field"])
    elif code == "CannotStart":
        pair = CANNOT_START.get(str(values["why"]).split("=")[0].split(" ")[0], CANNOT_START[""])
    elif code == "EncoderUnavailable":
        pair = ENCODERS.get(str(values["why"]), ENCODERS[""])
    elif code == "NotAllowed" and values["need"] == "another_admin":
        pair = SENTENCES["LastAdmin"]
    elif code == "NotAllowed" and values["need"] in NEEDS:
        values["need"] = in_language(NEEDS[values["need"]], lang)
    elif code == "LossUndefined" and values["where"] in UNDEFINED:
        values["where"] = in_language(UNDEFINED[values["where"]], lang)
    elif code == "StrategyNeeds" and values["what"] in LACKING:
        values["what"] = in_language(LACKING[values["what"]], lang)
    elif code == "TooFewLabels":
        values["missing"] = max(int(values.get("need", 0)) - int(values.get("have", 0)), 0)
    if lang == "en" and "labels_en" in values:
        values["labels"] = values["labels_en"]
    said = in_language(pair, lang).format_map(values) if pair else None
    return in_language(AT_LINE, lang).format(said=said, **values) if code == "BadLabel" and "line" in values else said


def sentence(error: BaseException, lang: str = "zh") -> str:
    """What to tell the person at the screen; details of an unforeseen error go to the log under the mark shown."""
    code, fields = getattr(error, "code", None), getattr(error, "fields", None)
    if isinstance(code, str) and isinstance(fields, dict):
        known = say(code, fields, lang)
        if known:
            return known
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return say("DiskFull", {}, lang) or ""
    mark = secrets.token_hex(3)
    log.error("unforeseen error %s", mark, exc_info=error)
    return in_language(UNFORESEEN, lang).format(mark=mark)
