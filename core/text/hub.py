"""Loading from a model hub or a folder without its noise: what failed in the end is said by the error."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Loading logs and warns of each try to reach the hub, and draws bars. Needs transformers."""
    from transformers.utils import logging as bars

    logs = [logging.getLogger(name) for name in ("transformers", "huggingface_hub")]
    before = [log.level for log in logs]
    for log in logs:
        log.setLevel(logging.CRITICAL)
    bars.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        bars.enable_progress_bar()
        for log, level in zip(logs, before, strict=True):
            log.setLevel(level)


def first_line(error: BaseException) -> str:
    """What an error says, short enough for a sentence."""
    said = next(iter(str(error).strip().splitlines()), "")
    return f"{type(error).__name__}: {said[:160]}"
