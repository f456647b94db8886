"""Hours of the day as people write them, "20:00-08:00", in UTC+8; past midnight where the end comes first."""

from __future__ import annotations

import datetime as dt
import re

_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_LIKE = str.maketrans({"：": ":", "–": "-", "—": "-", "~": "-", "～": "-", "到": "-", "至": "-", " ": "", "　": ""})
_ZONE = dt.timezone(dt.timedelta(hours=8))


def tidy(entered: str) -> str:
    """What somebody typed in the form that is stored, as far as it can be known; "8:00" is "08:00"."""
    plain = entered.strip().translate(_LIKE)
    return re.sub(r"(?<!\d)(\d:)", r"0\1", plain)


def bounds(hours: str) -> tuple[int, int] | None:
    """Minutes after midnight of both ends; None where these are no hours, or no time at all."""
    found = _HOURS.fullmatch(hours)
    if not found:
        return None
    h1, m1, h2, m2 = map(int, found.groups())
    start, end = 60 * h1 + m1, 60 * h2 + m2
    return (start, end) if start != end else None


def within(hours: str, now: float) -> bool:
    """Whether that moment lies in these hours: from the first minute on, up to the last. Empty hours are always."""
    found = bounds(hours)
    if found is None:
        return True
    at = dt.datetime.fromtimestamp(now, _ZONE)
    minute, (start, end) = 60 * at.hour + at.minute, found
    return start <= minute < end if start < end else minute >= start or minute < end
