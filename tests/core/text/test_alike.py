from __future__ import annotations

import subprocess
import sys

import pytest

from core.errors import ModelUnavailable
from core.text import alike as module
from core.text.alike import alike


def test_words_bring_the_other_ways_to_write_their_characters() -> None:
    assert alike(["憂鬱", "人"]) == alike(["忧郁"]) == ["忧憂", "郁鬱"]
    assert [set(group) for group in alike(["乾咳"])] == [set("干乾幹榦")]
    assert alike([]) == alike(["abc", "👍"]) == []


def test_the_groups_share_no_character() -> None:
    groups = set(module._groups().values())
    assert len(groups) > 2000
    assert sum(map(len, groups)) == len(set("".join(groups)))


def test_without_opencc_words_are_found_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModelUnavailable(name=name, why="not installed")

    monkeypatch.setattr(module, "converter", missing)
    module._groups.cache_clear()
    try:
        assert alike(["憂鬱"]) == []
    finally:
        module._groups.cache_clear()


def test_the_table_is_cheap_and_brings_nothing_heavy() -> None:
    code = (
        "import sys, time, core.text.convert; from core.text.alike import alike; start = time.perf_counter();"
        "alike(['憂']);"
        "assert time.perf_counter() - start < 2; assert not {'torch', 'gensim', 'sklearn'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
