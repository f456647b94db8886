"""Compiled code must not outlive what it was compiled from."""

from __future__ import annotations

from pathlib import Path

from core.models import kernel_cache, tiles
from core.models.kernel_cache import forget_stale


def made(sources: Path) -> None:
    for name in ("tiles.py", "some_kernels.py", "other.py"):
        (sources / name).write_text(f"# {name}")


def test_a_change_of_any_source_forgets_every_kernel_and_nothing_else(tmp_path: Path) -> None:
    sources, kept = tmp_path / "src", tmp_path / "kept"
    sources.mkdir()
    made(sources)
    forget_stale(kept, sources)
    for name in ("tiles.panels-1.py311.nbi", "some_kernels.go-2.py311.nbi", "other.x-3.py311.nbi", "tiles.pyc"):
        (kept / name).write_text("compiled")
    (sources / "other.py").write_text("# not a kernel")
    forget_stale(kept, sources)
    assert len(list(kept.glob("*.nbi"))) == 3
    (sources / "tiles.py").write_text("# a tile of another shape")
    forget_stale(kept, sources)
    assert sorted(path.name for path in kept.iterdir()) == [kernel_cache._STAMP, "other.x-3.py311.nbi", "tiles.pyc"]


def test_the_kernels_that_are_used_are_of_the_sources_that_are_here() -> None:
    if not tiles.OPTIONS["cache"]:
        return
    stamp = Path(str(tiles.panels.stats.cache_path)) / kernel_cache._STAMP
    before = stamp.read_text()
    forget_stale(stamp.parent, Path(tiles.__file__).parent)
    assert stamp.read_text() == before
