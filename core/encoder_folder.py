"""Whether a pretrained encoder can be had at all, as far as a look at the folder tells; nothing heavy is loaded."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from core.errors import EncoderUnavailable

_WEIGHTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def source(name: str) -> Path:
    """Where it lies, if it does; a name on a hub is no folder.

    Raises EncoderUnavailable: a path where there is no folder, or nothing to load.
    """
    path = Path(name).expanduser()
    if not path.is_dir():
        if not name or name.startswith((".", "/", "~")) or name.count("/") > 1:
            raise EncoderUnavailable(name=name, why="no_folder", detail="")
        return path
    if not (path / "config.json").is_file():
        raise EncoderUnavailable(name=name, why="no_config", detail="")
    if not any((path / each).is_file() for each in _WEIGHTS):
        raise EncoderUnavailable(name=name, why="no_weights", detail="")
    return path


def check(name: str) -> None:
    """Raises EncoderUnavailable: no package to load it with, or as ``source`` does."""
    if find_spec("transformers") is None:
        raise EncoderUnavailable(name="transformers", why="package", detail="")
    source(name)
