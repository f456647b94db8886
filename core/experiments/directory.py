"""The output directory of one experiment: held by one run, bound to its settings, its files whole or absent."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from core.errors import BadFile, BadSetting

_SETTINGS = "run.json"


@contextmanager
def held(
    out: Path, folders: tuple[str, ...], settings: Mapping[str, Any], *, of_old: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Hold the directory for one run with these settings; ``of_old``: those that an older run did not write down.

    Raises BadSetting: another run is writing there, or what is there was made from other data or settings.
    Raises BadFile: it cannot be made.
    """
    try:
        for each in folders:
            (out / each).mkdir(parents=True, exist_ok=True)
        handle = open(out / ".lock", "a+")  # noqa: SIM115 (held until the run ends)
    except OSError as error:
        raise BadFile(name=str(out), why="unreadable", detail=str(error)) from error
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BadSetting(field="--out", value=out, why="another run is writing there") from error
        _same(out, json.loads(json.dumps(dict(settings), ensure_ascii=False)), of_old or {})
        yield


def _same(out: Path, settings: dict[str, Any], of_old: Mapping[str, Any]) -> None:
    path = out / _SETTINGS
    if path.exists():
        try:
            before = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise BadFile(name=str(path), why="unreadable", detail=str(error)) from error
        refuse_unlike(str(out), before, settings, of_old=of_old)
    else:
        publish(path, json.dumps(settings, ensure_ascii=False, indent=2).encode())


def refuse_unlike(
    where: str, before: Mapping[str, Any], now: Mapping[str, Any], *, of_old: Mapping[str, Any] | None = None
) -> None:
    """Raises BadSetting: what is there was made otherwise; it names each difference."""
    known = of_old or {}
    pairs = {name: (before.get(name, known.get(name)), now.get(name)) for name in sorted({*before, *now})}
    unlike = [f"{name}: {old} → {new}" for name, (old, new) in pairs.items() if old != new]
    if unlike:
        why = f"made with other data or settings ({'; '.join(unlike)}); name another --out or remove it"
        raise BadSetting(field="--out", value=where, why=why)


def publish(path: Path, content: bytes) -> None:
    """A file that is whole or absent."""
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
