"""Files as one zip that is the same for the same files: fixed dates, sorted names, nothing of the exporting machine."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip can hold


def as_json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def write_zip(path: Path, files: Mapping[str, bytes]) -> Path:
    """Write it beside, with the files' sums in it, then give it its name; on an error nothing of it is left."""
    sums = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    every = {**files, "SHA256SUMS": sums.encode()}
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as raw:
            with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
                for name in sorted(every):
                    entry = zipfile.ZipInfo(name, date_time=_DATE)
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.create_system = 3  # Unix, wherever this runs: the permissions below are read as such
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, every[name])
            raw.flush()
            os.fsync(raw.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path
