"""Numbers and counted things as people read them: no signed zero, and one text is not "1 texts"."""

from __future__ import annotations

import string
from typing import Any


class _Counting(string.Formatter):
    def format_field(self, value: Any, format_spec: str) -> str:
        if "|" not in format_spec:
            return str(super().format_field(value, format_spec))
        one, many = format_spec.split("|", 1)
        return one if str(value) == "1" else many


_counting = _Counting()


def filled(text: str, /, **fields: Any) -> str:
    """``text`` with its places filled in; ``{n:text|texts}`` is the first word where n is 1, else the second.

    Raises KeyError: a place without a field.
    """
    return _counting.vformat(text, (), fields) if "|" in text else text.format(**fields)


def fixed(value: float, digits: int = 2) -> str:
    """So many decimals. What rounds to nothing has no sign: -0.001 is 0.00."""
    return f"{value:z.{digits}f}"


def signed(value: float, digits: int = 2) -> str:
    """A difference, with its sign where it has one at so many decimals: +0.10, -0.10, 0.00."""
    shown = fixed(value, digits)
    return shown if shown.startswith("-") or not any(each in "123456789" for each in shown) else f"+{shown}"


def rounded(value: float, digits: int = 4) -> float:
    """For a table: so many decimals, and no -0.0."""
    return round(float(value), digits) + 0.0
