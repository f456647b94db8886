"""Settings: what a project may set, what a round is trained with, and what the environment says.

Frozen, checked at construction, and JSON both ways, so that a round can be stored with what produced it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from core.errors import BadSetting, CannotStart

CLASS_WEIGHTS = (0.05, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0)  # lee2022kd, section 3
MAX_TEXT = 200_000  # characters; a longer "text" is a file put in the wrong column


class _Json:
    """JSON round trip for a frozen dataclass; an unknown key is refused by name."""

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)  # type: ignore[call-overload]

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls.from_mapping(json.loads(text))

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
        for name in values:
            if name not in known:
                raise BadSetting(field=name, value=values[name], why="unknown setting")
        fixed = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**fixed)


def _between(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadSetting(field=name, value=value, why=f"{low} … {high}")


@dataclass(frozen=True, kw_only=True)
class RoundConfig(_Json):
    """How one round is trained. The published protocol's values, but for those that a small round changes."""

    arch: str = "textcnn.v1"
    segmenter: str = "characters"
    max_tokens: int = 512  # published: 300 words; here the token is a character
    vector_size: int = 300
    filters: int = 128
    chunks: int = 2
    hidden: int = 512
    dropout: float = 0.5
    class_weights: tuple[float, ...] = CLASS_WEIGHTS
    batch_size: int = 32
    lr: float = 1e-3
    max_epochs: int = 30
    patience: int = 5  # published: 10
    valid_share: float = 0.15
    threads: int = 0  # 0: as many as the machine has, four at most
    seed: int = 0

    def __post_init__(self) -> None:
        _between("max_tokens", self.max_tokens, 8, 2048)
        _between("vector_size", self.vector_size, 4, 1024)
        _between("filters", self.filters, 1, 1024)
        _between("chunks", self.chunks, 1, 8)
        _between("hidden", self.hidden, 1, 4096)
        _between("dropout", self.dropout, 0, 0.95)
        _between("batch_size", self.batch_size, 1, 4096)
        _between("lr", self.lr, 1e-6, 1)
        _between("max_epochs", self.max_epochs, 1, 1000)
        _between("patience", self.patience, 1, 1000)
        _between("valid_share", self.valid_share, 0.05, 0.5)
        _between("threads", self.threads, 0, 256)
        if not self.class_weights or any(w <= 0 for w in self.class_weights):
            raise BadSetting(field="class_weights", value=self.class_weights, why="> 0")


@dataclass(frozen=True, kw_only=True)
class ProjectSettings(_Json):
    """What a lead may set for one project."""

    round_every: int = 50  # new labelled texts that make a round due
    round_min_labels: int = 40  # fewer labelled texts than this cannot be trained on
    fast_lane_every: int = 5  # new labelled texts that make the linear model refit
    lease_s: int = 900
    prefetch: int = 4
    overlap: int = 1
    gold_share: float = 0.15
    gold_every: int = 5  # while gold is unlabelled, each such-and-such text is a gold one
    suggestions: bool = False
    daily_goal: int = 100
    round: RoundConfig = RoundConfig()

    def __post_init__(self) -> None:
        if isinstance(self.round, Mapping):
            object.__setattr__(self, "round", RoundConfig.from_mapping(self.round))
        _between("round_every", self.round_every, 1, 1_000_000)
        _between("round_min_labels", self.round_min_labels, 10, 1_000_000)
        _between("fast_lane_every", self.fast_lane_every, 1, 1_000_000)
        _between("lease_s", self.lease_s, 10, 86_400)
        _between("prefetch", self.prefetch, 1, 50)
        _between("overlap", self.overlap, 1, 20)
        _between("gold_share", self.gold_share, 0, 0.9)
        _between("gold_every", self.gold_every, 1, 1000)
        _between("daily_goal", self.daily_goal, 0, 100_000)


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What the environment sets: where data lies, and who may reach the server."""

    data_dir: Path
    port: int
    host: str
    allowed_hosts: tuple[str, ...]
    project_file: Path

    @property
    def database(self) -> Path:
        return self.data_dir / "tagtail.db"

    @property
    def models(self) -> Path:
        return self.data_dir / "models"

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Raises CannotStart: the port is no port, or the network is open without an allowed-host list."""
        env = os.environ if env is None else env
        root = Path(__file__).resolve().parent.parent
        try:
            port = int(env.get("PORT") or 8501)
        except ValueError:
            port = -1
        if not 0 < port < 65_536:
            raise CannotStart(why=f"PORT={env.get('PORT')}", fix="PORT=8501")
        host = env.get("HOST") or "127.0.0.1"
        allowed = tuple(part.strip() for part in (env.get("ALLOWED_HOSTS") or "").split(",") if part.strip())
        if host not in ("127.0.0.1", "localhost", "::1") and (not allowed or "*" in allowed):
            raise CannotStart(why=f"HOST={host}", fix="ALLOWED_HOSTS=lab.example.org")
        return cls(
            data_dir=Path(env.get("DATA_DIR") or root / "data").expanduser().resolve(),
            port=port,
            host=host,
            allowed_hosts=("127.0.0.1", "localhost", *allowed),
            project_file=Path(env.get("PROJECT") or root / "demo" / "project.toml").expanduser().resolve(),
        )
