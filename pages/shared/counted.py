"""Counts beside the choices of a row of buttons.

A choice travels from the browser as its words. Were a count among them, a click would name what is offered no more
once somebody else has changed the count, and Streamlit would drop it without a word.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_CHOICE = ".st-key-{key} [role=radiogroup] > :nth-child({place} of [role=radio]) p::after"


def beside(key: str, counts: Sequence[int | None]) -> None:
    """Shows counts after the choices of ``st.segmented_control(key=key)``, in their order; None: that one has none.

    Style sheets draw them, and screen readers speak them as part of the choice's name.
    """
    rules = [
        f'{_CHOICE.format(key=key, place=place)} {{content: " {n:,}"; font-variant-numeric: tabular-nums}}'
        for place, n in enumerate(counts, start=1)
        if n is not None
    ]
    st.html(f"<style>{' '.join(rules)}</style>")
