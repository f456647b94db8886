"""What can go wrong with the one SQLite file, and whose fault it is.

StorageError
├── NoDatabase        there is no file yet: initialise first
├── NewerDatabase     the file was written by a newer version of the product
├── DatabaseBusy      somebody else held the write lock for longer than the timeout
├── DiskFull          nothing was written: the disk is full or read-only
├── DamagedDatabase   the file is not a database of ours
├── NotFound          no such row
├── LeaseLost         a job's or a text's lease is somebody else's now
└── NotUnique         a row with this name exists already

Every ``sqlite3`` error that crosses ``db.connect`` is mapped here, at one place.
"""

from __future__ import annotations

import sqlite3
from typing import Any


class StorageError(Exception):
    """An error of the database, with a code and named fields."""

    def __init__(self, **fields: Any) -> None:
        self.fields = fields
        super().__init__(self.code + (": " + ", ".join(f"{k}={v}" for k, v in fields.items()) if fields else ""))

    @property
    def code(self) -> str:
        return type(self).__name__


class NoDatabase(StorageError): ...  # path


class NewerDatabase(StorageError): ...  # have, need


class DatabaseBusy(StorageError): ...


class DiskFull(StorageError): ...


class DamagedDatabase(StorageError): ...  # why


class NotFound(StorageError): ...  # what


class LeaseLost(StorageError): ...  # what


class NotUnique(StorageError): ...  # what


def translate(error: sqlite3.Error) -> StorageError:
    """Our error for one of sqlite3's."""
    text = str(error).lower()
    if "locked" in text or "busy" in text:
        return DatabaseBusy()
    if "full" in text or "readonly" in text or "disk i/o" in text or "unable to open" in text:
        return DiskFull(why=str(error))
    if isinstance(error, sqlite3.IntegrityError) and "unique" in text:
        return NotUnique(what=str(error).rsplit(":", 1)[-1].strip())
    return DamagedDatabase(why=str(error))
