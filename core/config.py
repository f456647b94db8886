"""Settings: what a project may set, what a round is trained with, and what the environment says.

Frozen, checked at construction, and JSON both ways, so that a round can be stored with what produced it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self

from core.errors import BadSetting, CannotStart, HeadNeedsEncoder, HeadNeedsHard
from core.hours import bounds
from core.labels import UNSETTLED

CLASS_WEIGHTS = (0.05, 0.1, 0.5, 1.0, 2.0, 3.0, 5.0)  # lee2022kd, section 3
LABEL_ATTENTION = ("textcnn_att.v1", "textrnn_att.v1", "han_att.v1", "gru_label_att.v1")
ARCHS = ("textcnn.v1", "textrnn.v1", "han.v1", "gru_att.v1", *LABEL_ATTENTION)
# Heads over a pretrained encoder: the names of core.encoders.classifier, which needs torch; a test holds them to it.
SOFT_HEADS = ("encoder_cls.v1", "encoder_textcnn.v1", "encoder_denses.v1")
SET_HEADS = ("encoder_seq2seq.v1",)  # learn whole label sets, never probabilities
HEAD_ARCHS = (*SOFT_HEADS, *SET_HEADS)
SWEEPS = ("exact", "fast")
SOFT_TARGETS = ("in_sample", "out_of_fold")
STUDENT_EPOCHS = ("best", "last")
PRECISIONS = ("auto", "float32", "bfloat16")
TEACHERS = ("neural", "linear", "best", "stack")
# Names of core.losses.registry, which needs torch; a test holds the three lists to it.
SOFT_LOSSES = ("bce.v1", "fl.v1", "cb.v1", "la.v1")
BINARY_LOSSES = (*SOFT_LOSSES, "ntr_fl.v1", "ntr_fl_paper.v1", "cb_ntr.v1", "asl.v1", "hill.v1", "zlpr.v1")
LOSSES = (*BINARY_LOSSES, "r_fl.v1", "db_0fl.v1", "db.v1")
THRESHOLDS = ("auto", "half", "global", "per_label", "scutfbr", "micromacro")  # core.evaluate.threshold_rules
CALIBRATIONS = ("none", "temperature", "platt", "isotonic", "auto")  # core.evaluate.calibration
NEIGHBOURS = ("off", "auto")  # core.models.neighbours
LABEL_MODELS = ("auto", "flat", "tree")
SEGMENTERS = ("characters", "rjieba", "jieba", "words", "ckip")
CONVERSIONS = ("", "t2s", "s2t", "tw2s", "s2tw", "tw2sp", "s2twp", "hk2s", "s2hk")  # OpenCC's names
STRATEGY = re.compile(r"[a-z][a-z0-9_]{0,60}")  # which names there are is known where arrays are: core.active.queue
MAX_BATCH = 4096
TEACHER_EPOCHS = 5  # at least, however many steps these are
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


def _of_kind(name: str, value: object, usual: object) -> None:
    """The kind of the default: "False" is no bool, and half a batch no number of texts."""
    kinds: dict[type, tuple[type, ...]] = {float: (int, float)}
    right = isinstance(value, kinds.get(type(usual), (type(usual),)))
    if isinstance(value, bool) and not isinstance(usual, bool):
        right = False
    if isinstance(value, tuple) and not all(isinstance(one, int | float) for one in value):
        right = False
    if not right:
        raise BadSetting(field=name, value=value, why=type(usual).__name__)


def _among(name: str, value: object, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadSetting(field=name, value=value, why=" | ".join(repr(one) if one == "" else one for one in known))


@dataclass(frozen=True, kw_only=True)
class RoundConfig(_Json):
    """How one round is trained. The published protocol's values, but for those that a small round changes."""

    arch: str = "textcnn.v1"
    segmenter: str = "characters"
    conversion: str = ""  # of simplified and traditional characters, by OpenCC; empty: as written
    max_tokens: int = 512  # published: 300 words; here the token is a character
    vector_size: int = 300
    vectors_file: str = ""  # word2vec vectors of one's own; empty: learned from the project's texts
    trainable_vectors: bool = False  # of student and standalone; a teacher's are always frozen
    filters: int = 128
    chunks: int = 2
    hidden: int = 512
    rnn_hidden: int = 128
    gru_hidden: int = 64  # a direction
    han_hidden: int = 50  # a direction
    sentence_tokens: int = 40  # a longer sentence is read as several
    encoder: str = ""  # what heads stand on: a folder, or a name on a hub
    encoder_tokens: int = 256
    encoder_frozen: bool = True  # the head alone learns; each text is read once and kept
    encoder_epochs: int = 20  # published, where the encoder learns too: 5
    encoder_lr: float = 5e-5
    head_lr: float = 1e-3
    dropout: float = 0.5
    class_weights: tuple[float, ...] = CLASS_WEIGHTS
    sweep: str = "fast"  # exact: a teacher for each class weight; fast: one, and log W added to its logit
    teachers: str = "stack"  # what answers for a label: see core.distill.soft_targets
    teacher_arch: str = "gru_att.v1"  # empty: the student's own
    soft_targets: str = "in_sample"
    oof_folds: int = 3
    hard_share: float = 0.3  # the student's target is (1-h)·soft + h·hard
    loss: str = "bce.v1"  # of labels that people gave, for student and standalone: see core.losses.registry
    soft_loss: str = "bce.v1"  # of the teachers' probabilities
    teacher_loss: str = "bce.v1"
    spliced: float = 3.0  # texts made of two training texts, for each of these, that the student learns as well
    student_epoch: str = "last"  # best: on validation, which also stops it; last: after max_epochs
    batch_size: int = 32
    lr: float = 1e-3
    max_epochs: int = 30
    patience: int = 5  # published: 10
    teacher_patience: int = 2  # 0: as ``patience``
    teacher_steps: int = 360  # of a teacher at most, and five epochs at least; 0: all ``max_epochs``
    teacher_batch_size: int = 0  # 0: as ``batch_size``
    label_model: str = "auto"  # flat: one output a label; tree: core.xmc, with no teachers; auto: by the label count
    tree_from: int = 200  # labels from which ``auto`` takes the tree
    valid_share: float = 0.15
    thresholds: str = "auto"  # one half after moved teachers, else validation and frequency; or a rule by name
    calibration: str = "none"  # of the networks' answers, on validation, before thresholds are chosen
    neighbours: str = "off"  # auto: student and standalone ask the nearest training texts too, where validation gains
    precision: str = "auto"  # of training steps; auto: bfloat16 on a GPU that has it, float32 elsewhere
    threads: int = 0  # 0: as many as the machine has, four at most
    seed: int = 0

    def __post_init__(self) -> None:
        for each in fields(self):
            _of_kind(each.name, getattr(self, each.name), each.default)
        for name, low, high in _RANGES:
            _between(name, getattr(self, name), low, high)
        for name, known in _CHOICES:
            _among(name, getattr(self, name), known)
        if not self.class_weights or any(not 0 < w < 1e6 for w in self.class_weights):
            raise BadSetting(field="class_weights", value=self.class_weights, why="> 0")
        self._refuse_heads()

    def _refuse_heads(self) -> None:
        """Raises HeadNeedsEncoder, HeadNeedsHard; BadSetting: what a head cannot do."""
        heads = [name for name in self.used_archs if name in HEAD_ARCHS]
        if heads and not self.encoder.strip():
            raise HeadNeedsEncoder(head=heads[0])
        if self.arch in SET_HEADS and (self.hard_share < 1 or self.spliced):
            raise HeadNeedsHard(head=self.arch, known=", ".join(SOFT_HEADS))
        if self.arch in HEAD_ARCHS and self.neighbours != "off":
            raise BadSetting(field="neighbours", value=self.neighbours, why="'off'")
        for field, learner in (("loss", self.arch), ("teacher_loss", self.used_archs[-1])):
            if learner in SET_HEADS and getattr(self, field) != "bce.v1":
                raise BadSetting(field=field, value=getattr(self, field), why="'bce.v1'")

    @property
    def used_archs(self) -> tuple[str, ...]:
        """The student's, then the teachers' where these are networks."""
        return (self.arch,) if self.teachers == "linear" else (self.arch, self.teacher_arch or self.arch)

    @property
    def uses_encoder(self) -> bool:
        return any(name in HEAD_ARCHS for name in self.used_archs)

    @property
    def uses_vectors(self) -> bool:
        """Whether anything reads tokens of the project's own vocabulary by word vectors."""
        return any(name not in HEAD_ARCHS for name in self.used_archs)

    def has_tree(self, labels: int) -> bool:
        """Whether a round of so many labels is one of a tree; one label is nothing to divide."""
        return labels > 1 and (self.label_model == "tree" or (self.label_model == "auto" and labels >= self.tree_from))

    def settled(self, labels: int) -> Self:
        """The same with ``auto`` decided for so many labels: what a round is stored with."""
        return replace(self, label_model="tree" if self.has_tree(labels) else "flat")

    @property
    def cut_at_half(self) -> bool:
        """Whether teachers are moved so that one half is each label's best cut, which a student then learns."""
        return self.soft_targets == "out_of_fold" or self.teachers != "neural"

    @property
    def half_cuts(self) -> bool:
        """Whether teachers and student are cut at one half, where they were moved; neighbours take them from there."""
        return self.thresholds == "auto" and self.cut_at_half

    def teacher_epochs(self, texts: int) -> int:
        """How many epochs a teacher of so many texts learns at most."""
        if not self.teacher_steps:
            return self.max_epochs
        steps = -(-texts // self.of_teachers.batch_size)
        return min(self.max_epochs, max(TEACHER_EPOCHS, -(-self.teacher_steps // max(1, steps))))

    @property
    def of_teachers(self) -> RoundConfig:
        """The same round as its teachers are trained: frozen vectors, perhaps another architecture."""
        arch = self.used_archs[-1]
        alone: dict[str, Any] = {}  # what such teachers do in any case, whatever the student does
        if arch in HEAD_ARCHS:
            alone = {"neighbours": "off", "loss": self.teacher_loss}
        if arch in SET_HEADS:
            alone |= {"hard_share": 1.0, "spliced": 0.0}
        return replace(
            self,
            **alone,
            arch=arch,
            teacher_arch="" if self.teachers == "linear" else self.teacher_arch,
            patience=self.teacher_patience or self.patience,
            batch_size=self.teacher_batch_size or self.batch_size,
            trainable_vectors=False,
        )


_RANGES: tuple[tuple[str, float, float], ...] = (
    ("max_tokens", 8, 2048),
    ("vector_size", 4, 1024),
    ("filters", 1, 1024),
    ("chunks", 1, 8),
    ("hidden", 1, 4096),
    ("rnn_hidden", 1, 1024),
    ("gru_hidden", 1, 1024),
    ("han_hidden", 1, 1024),
    ("sentence_tokens", 2, 512),
    ("encoder_tokens", 8, 512),
    ("encoder_epochs", 1, 1000),
    ("encoder_lr", 1e-7, 1),
    ("head_lr", 1e-6, 1),
    ("dropout", 0, 0.95),
    ("oof_folds", 2, 10),
    ("hard_share", 0, 1),
    ("spliced", 0, 20),
    ("batch_size", 1, MAX_BATCH),
    ("lr", 1e-6, 1),
    ("max_epochs", 1, 1000),
    ("patience", 1, 1000),
    ("teacher_patience", 0, 1000),
    ("teacher_steps", 0, 1_000_000),
    ("teacher_batch_size", 0, MAX_BATCH),
    ("tree_from", 2, 1_000_000),
    ("valid_share", 0.05, 0.5),
    ("threads", 0, 256),
)
_CHOICES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("arch", (*ARCHS, *HEAD_ARCHS)),
    ("teacher_arch", ("", *ARCHS, *HEAD_ARCHS)),
    ("label_model", LABEL_MODELS),
    ("segmenter", SEGMENTERS),
    ("conversion", CONVERSIONS),
    ("sweep", SWEEPS),
    ("teachers", TEACHERS),
    ("soft_targets", SOFT_TARGETS),
    ("student_epoch", STUDENT_EPOCHS),
    ("precision", PRECISIONS),
    ("loss", LOSSES),
    ("soft_loss", SOFT_LOSSES),
    ("teacher_loss", BINARY_LOSSES),
    ("thresholds", THRESHOLDS),
    ("calibration", CALIBRATIONS),
    ("neighbours", NEIGHBOURS),
)


@dataclass(frozen=True, kw_only=True)
class ProjectSettings(_Json):
    """What a lead may set for one project."""

    round_every: int = 50  # new labelled texts that make a round due
    round_hours: str = ""  # "20:00-08:00" (UTC+8): when rounds begin by themselves; empty is always
    round_min_labels: int = 40  # fewer labelled texts than this cannot be trained on
    fast_lane_every: int = 5  # new labelled texts that make the linear model refit
    acquisition: str = "long_tail"  # which texts come first: a strategy of core.active.queue
    explore_share: float = 0.1  # of a queue's places, given to texts drawn at random
    target_f1: float = 0.8  # what each label is to reach on gold: one that is far from it is asked about more
    lease_s: int = 900  # of a person whose pace is not known yet
    lease_min_s: int = 300
    lease_max_s: int = 3600
    prefetch: int = 4
    overlap: int = 1
    gold_share: float = 0.15
    gold_double_share: float = 0.2  # of gold texts: two people label them
    gold_every: int = 5  # while gold is unlabelled, each such-and-such text is a gold one
    unsettled: str = "majority"  # how a text counts on which people differ, until it is adjudicated
    blind_review: bool = True  # adjudication begins without names
    suggestions: bool = False
    daily_goal: int = 100
    deepen: bool = False  # an idle machine goes on to a deeper round: an hour of somebody's processor
    deepen_after_s: int = 1800  # since anybody's last decision
    round: RoundConfig = RoundConfig()

    def wishes(self) -> str:
        """As it is stored: only what differs from the defaults of now. What nobody named follows those of the day."""
        usual = asdict(type(self)())
        named = {name: value for name, value in asdict(self).items() if value != usual[name]}
        if "round" in named:
            named["round"] = {name: v for name, v in named["round"].items() if v != usual["round"][name]}
        return json.dumps(named, ensure_ascii=False, sort_keys=True)

    def __post_init__(self) -> None:
        if isinstance(self.round, Mapping):
            object.__setattr__(self, "round", RoundConfig.from_mapping(self.round))
        _between("round_every", self.round_every, 1, 1_000_000)
        if self.round_hours and (not isinstance(self.round_hours, str) or bounds(self.round_hours) is None):
            raise BadSetting(field="round_hours", value=self.round_hours, why="20:00-08:00")
        _between("round_min_labels", self.round_min_labels, 10, 1_000_000)
        _between("fast_lane_every", self.fast_lane_every, 1, 1_000_000)
        _between("explore_share", self.explore_share, 0, 1)
        _between("target_f1", self.target_f1, 0.05, 1)
        if not isinstance(self.acquisition, str) or not STRATEGY.fullmatch(self.acquisition):
            raise BadSetting(field="acquisition", value=self.acquisition, why="a strategy's name")
        _between("lease_s", self.lease_s, 10, 86_400)
        _between("lease_min_s", self.lease_min_s, 10, 86_400)
        _between("lease_max_s", self.lease_max_s, self.lease_min_s, 86_400)
        _between("prefetch", self.prefetch, 1, 50)
        _between("overlap", self.overlap, 1, 20)
        _between("gold_share", self.gold_share, 0, 0.9)
        _between("gold_double_share", self.gold_double_share, 0, 1)
        _among("unsettled", self.unsettled, UNSETTLED)
        _between("gold_every", self.gold_every, 1, 1000)
        _between("daily_goal", self.daily_goal, 0, 100_000)
        _between("deepen_after_s", self.deepen_after_s, 60, 604_800)
        for name in ("suggestions", "deepen", "blind_review"):
            if not isinstance(getattr(self, name), bool):
                raise BadSetting(field=name, value=getattr(self, name), why="true | false")


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
