"""What an experiment consists of: its cells, and the frozen configuration of each.

A cell is one model of one fold: (architecture, seed, fold, model). A seed is one whole repetition: other folds, other
word vectors, other first weights. Models are ``linear`` (of no architecture, "-"), ``teacher``, ``standalone``, one for
each recipe, and the teachers of a recipe that are others than the published ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import chain
from typing import Any

from core.config import ARCHS, RoundConfig
from core.errors import BadSetting
from core.seeds import derive

# lee2022kd, section 4: where it is silent, the values are RoundConfig's own.
PUBLISHED: dict[str, Any] = {
    "lr": 1e-3,
    "batch_size": 32,
    "max_epochs": 30,
    "patience": 10,
    "max_tokens": 300,
    "valid_share": 0.15,
    "thresholds": "auto",
    "teachers": "neural",
    "teacher_arch": "",
    "teacher_patience": 0,
    "teacher_steps": 0,
    "teacher_batch_size": 0,
    "soft_targets": "in_sample",
    "hard_share": 0.0,
    "loss": "bce.v1",
    "soft_loss": "bce.v1",
    "teacher_loss": "bce.v1",
    "student_epoch": "best",
    "spliced": 0.0,
    "trainable_vectors": False,
}
PUBLISHED_BATCH = {"gru_att.v1": 128}
PUBLISHED_ARCHS = ("textrnn.v1", "textcnn.v1", "han.v1", "gru_att.v1")

OUT_OF_FOLD = {"soft_targets": "out_of_fold", "teacher_patience": 5}  # so many networks more, each a little shorter
# Whatever the student is; a student of theirs learns from batches of 32, as most do.
_GRU_ATT_TEACHERS = {"teacher_arch": "gru_att.v1", "teacher_batch_size": 128, "batch_size": 32}
_BEST = {**_GRU_ATT_TEACHERS, "teachers": "stack", "hard_share": 0.3, "spliced": 3.0, "student_epoch": "last"}
BEST_LOSSES = ("fl", "ntr_fl", "cb_ntr", "db", "asl", "la")  # a family each, of core.losses.registry
_BESIDE = "textcnn.v1"
# Each a named change of the published distillation. One that names a student's architecture stands beside TextCNN.
RECIPES: dict[str, dict[str, Any]] = {
    "kd": {},
    "oof": OUT_OF_FOLD,
    "mixed": {"hard_share": 0.5},
    "hetero": {"teachers": "best"},
    "stack": {"teachers": "stack"},
    "linear_teachers": {"teachers": "linear"},
    "trainable": {"trainable_vectors": True},
    "trainable_standalone": {"trainable_vectors": True, "hard_share": 1.0},
    "label_attention": {"arch": "textcnn_att.v1", "teacher_arch": "textcnn.v1"},
    "label_attention_standalone": {"arch": "textcnn_att.v1", "teacher_arch": "textcnn.v1", "hard_share": 1.0},
    "oof_mixed": {**OUT_OF_FOLD, "hard_share": 0.3},
    "oof_stack": {**OUT_OF_FOLD, "teachers": "stack", "hard_share": 0.3},
    "spliced": {"spliced": 3.0},
    "stack_spliced": {"teachers": "stack", "spliced": 3.0},
    "stack_mixed": {"teachers": "stack", "spliced": 3.0, "hard_share": 0.3},
    "oof_stack_spliced": {**OUT_OF_FOLD, "teachers": "stack", "hard_share": 0.3, "spliced": 3.0},
    "deep": {**OUT_OF_FOLD, **_GRU_ATT_TEACHERS, "teachers": "stack", "hard_share": 0.3, "spliced": 3.0},
    "gru_att_teachers": {**_GRU_ATT_TEACHERS, "teachers": "stack", "hard_share": 0.3, "spliced": 3.0},
    "best": _BEST,
    **{f"best_{loss}": {**_BEST, "loss": f"{loss}.v1"} for loss in BEST_LOSSES},
    "best_attention": {**_BEST, "arch": "textcnn_att.v1", "spliced": 0.0, "student_epoch": "best"},
}
RECIPE_SAYS = {
    "kd": "distillation as published: the teachers answer for the texts they were trained on",
    "oof": "each text's soft targets come from teachers that have not seen it",
    "mixed": "targets half soft, half the labels themselves",
    "hetero": "for each label the network or the linear model as teacher, whichever ranks validation better",
    "stack": "a stack of network and linear model as teacher",
    "linear_teachers": "linear models as the only teachers",
    "trainable": "kd, and the student's word vectors learn",
    "trainable_standalone": "no distillation, word vectors learn",
    "label_attention": "kd into a student with an attention of its own for each label",
    "label_attention_standalone": "label-wise attention without distillation",
    "oof_mixed": "oof, and targets three tenths the labels themselves",
    "oof_stack": "oof_mixed with a stack of network and linear model as teacher",
    "spliced": "kd, and three texts for each training text, made of two of them and answered by the teachers alone",
    "stack_spliced": "stack and spliced together",
    "stack_mixed": "stack and spliced together, targets three tenths the labels themselves",
    "oof_stack_spliced": "oof_stack and spliced together",
    "deep": "oof_stack_spliced, GRU-Att as the teachers' architecture",
    "gru_att_teachers": "stack_mixed, GRU-Att as the teachers' architecture, whatever the student's",
    "best": "gru_att_teachers, and the student is trained for all epochs: validation picks none",
    **{f"best_{loss}": f"best, and the labels' three tenths are learnt by the loss {loss}.v1" for loss in BEST_LOSSES},
    "best_attention": "the teachers of best, into a student with an attention for each label; nothing spliced",
}
_TEXT = ("segmenter", "conversion", "max_tokens", "vector_size", "vectors_file", "valid_share")  # one for all recipes
_OF_NO_CELL = ("threads",)  # changes how long a cell takes, not what is in it
SPLICING = "splicing"  # of which two texts; once of any two, also where teachers are out of fold
LINEAR, TEACHER, STANDALONE = "linear", "teacher", "standalone"


@dataclass(frozen=True, order=True)
class Key:
    """Which cell."""

    seed: int
    fold: int
    arch: str
    model: str

    @property
    def name(self) -> str:
        arch = "linear" if self.arch == "-" else self.arch.removesuffix(".v1")
        return f"{arch}-seed{self.seed}-fold{self.fold}" + ("" if self.arch == "-" else f"-{self.model}")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Raises BadSetting: an unknown architecture or recipe, no seed, the same seed twice, a setting out of bounds."""

    archs: tuple[str, ...] = PUBLISHED_ARCHS
    folds: int = 5
    seeds: tuple[int, ...] = (0,)
    recipes: tuple[str, ...] = ("kd",)
    settings: Mapping[str, Any] = field(default_factory=dict)  # beyond PUBLISHED, for every cell
    threads: int = 0

    def __post_init__(self) -> None:
        for name, given, known in (("arch", self.archs, ARCHS), ("recipes", self.recipes, tuple(RECIPES))):
            for one in given:
                if one not in known:
                    raise BadSetting(field=name, value=one, why=" | ".join(known))
            if not given or len(set(given)) < len(given):
                raise BadSetting(field=name, value=", ".join(given), why="one or more, each once")
        if not self.seeds or len(set(self.seeds)) < len(self.seeds) or min(self.seeds) < 0:
            raise BadSetting(field="seeds", value=", ".join(map(str, self.seeds)), why="one or more, each once, ≥ 0")
        if self.folds < 2:
            raise BadSetting(field="folds", value=self.folds, why="≥ 2")
        names = {each.name for each in fields(RoundConfig)}
        for name in self.settings:
            if name not in names - {"arch", "seed", "threads", "calibration", "neighbours"}:  # cells do neither
                raise BadSetting(field=name, value=self.settings[name], why="unknown setting")
        for arch in self.archs:
            self.config(Key(0, 0, arch, STANDALONE))

    def config(self, key: Key) -> RoundConfig:
        """The frozen configuration of a cell; that of a teachers' cell says nothing of students."""
        arch = RoundConfig.arch if key.arch == "-" else key.arch
        base = RoundConfig.from_mapping(
            {
                **PUBLISHED,
                "batch_size": PUBLISHED_BATCH.get(arch, PUBLISHED["batch_size"]),
                **self.settings,
                "arch": arch,
                "seed": derive(key.seed, "fold", key.fold) % 2**31,
                "threads": self.threads,
            }
        )
        if key.model in RECIPES:
            return replace(base, **RECIPES[key.model])
        if key.model.endswith("-" + TEACHER):
            return _teachers_alone(replace(base, **RECIPES[key.model.removesuffix("-" + TEACHER)]))
        return _teachers_alone(base) if key.model == TEACHER else base

    def applies(self, recipe: str, arch: str) -> bool:
        return "arch" not in RECIPES[recipe] or arch == _BESIDE

    def teachers_of(self, key: Key) -> Key | None:
        """The cell of the teachers that a student learns from, or None when it learns from the labels alone.

        Recipes with the same teachers share them, also over architectures; the first in RECIPES gives them their name.
        """
        if key.model not in RECIPES or self.config(key).hard_share >= 1:
            return None
        key = replace(key, arch=RECIPES[key.model].get("teacher_arch", key.arch))
        wanted = _teachers_alone(self.config(key))
        candidates = [TEACHER, *(f"{recipe}-{TEACHER}" for recipe in RECIPES if self.applies(recipe, key.arch))]
        for model in candidates:
            found = replace(key, model=model)
            if self.config(found) == wanted:
                return found
        raise AssertionError(key)  # a recipe's own name is among the candidates

    def cells(self) -> Iterator[Key]:
        """In the order in which they are made: teachers before the students that learn from them."""
        for seed in self.seeds:
            for number in range(self.folds):
                groups = [self.group(seed, number, arch) for arch in self.archs]
                yield from dict.fromkeys([Key(seed, number, "-", LINEAR), *chain.from_iterable(groups)])

    def group(self, seed: int, number: int, arch: str) -> list[Key]:
        """The cells of one fold and architecture, each once."""
        at = Key(seed, number, arch, TEACHER)
        students = [replace(at, model=recipe) for recipe in self.recipes if self.applies(recipe, arch)]
        teachers = [found for found in map(self.teachers_of, students) if found is not None]
        return list(dict.fromkeys([at, *teachers, replace(at, model=STANDALONE), *students]))

    @property
    def valid_share(self) -> float:
        """Of a fold's training part, what is set aside."""
        return self.config(Key(self.seeds[0], 0, "-", LINEAR)).valid_share

    def frozen(self) -> dict[str, Any]:
        """What must not change under one output directory; architectures, seeds and recipes may be added."""
        return {"folds": self.folds, **self.comparable(RoundConfig.from_mapping({**PUBLISHED, **self.settings}))}

    @staticmethod
    def comparable(config: RoundConfig) -> dict[str, Any]:
        """A configuration without what changes no result, and with what it does not say itself."""
        out = {name: value for name, value in asdict(config).items() if name not in _OF_NO_CELL}
        if config.spliced and config.soft_targets == "out_of_fold":
            out[SPLICING] = "within folds"
        return out


def _teachers_alone(config: RoundConfig) -> RoundConfig:
    """Equal for two recipes just when their teachers are."""
    config = replace(config.of_teachers, teacher_arch="", teacher_patience=0, teacher_batch_size=0, hard_share=0.0)
    config = replace(config, **{name: PUBLISHED[name] for name in ("student_epoch", "loss", "soft_loss")})
    if config.soft_targets == "in_sample":
        config = replace(config, oof_folds=RoundConfig().oof_folds)
    return (
        replace(config, sweep="fast", class_weights=RoundConfig().class_weights)
        if config.teachers == "linear"
        else config
    )


def is_teacher(model: str) -> bool:
    return model == TEACHER or model.endswith("-" + TEACHER)


def changes_text(recipe: str) -> bool:
    """Whether a recipe would need texts of its own; none may."""
    return any(name in RECIPES[recipe] for name in _TEXT)
