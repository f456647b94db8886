"""Moments and durations as people read them, in the time zone of their browser."""

from __future__ import annotations

import datetime as dt
import zoneinfo

import streamlit as st

from pages.shared.i18n import t


def zone() -> dt.tzinfo:
    """The browser's time zone; UTC+8 where it does not tell, or where this machine does not know it."""
    try:
        return zoneinfo.ZoneInfo(st.context.timezone or "Asia/Taipei")
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return dt.timezone(dt.timedelta(hours=8))


def moment(seconds: float | None) -> str:
    """A moment to the minute. Units: seconds since 1970, UTC."""
    return dt.datetime.fromtimestamp(seconds, zone()).strftime("%Y-%m-%d %H:%M") if seconds else "–"


def duration(seconds: float | None) -> str:
    """A length of time in words, no finer than is useful."""
    if seconds is None:
        return "–"
    if seconds < 90:
        return t("rounds.seconds", n=max(1, round(seconds)))
    if seconds < 90 * 60:
        return t("rounds.minutes", n=round(seconds / 60))
    return t("rounds.hours", n=f"{seconds / 3600:.1f}")
