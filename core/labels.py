"""The label set of a project: its order, its names, and label sets as rows of zeros and ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from core.errors import UnknownLabel

UNSETTLED = ("majority", "union", "leave_out")  # how a text counts on which people differ
NAMES_SAID = 40  # of a project's labels, where a sentence lists them


@dataclass(frozen=True, kw_only=True)
class Label:
    """One label as people see it; ``key`` is what files and models keep."""

    key: str
    zh: str
    en: str = ""
    definition: str = ""
    definition_en: str = ""
    examples: tuple[str, ...] = ()
    counter_examples: tuple[str, ...] = ()  # texts that look like the label and are not
    keywords: tuple[str, ...] = ()
    colour: str = "#4c78a8"
    hotkey: str = ""
    place: int = 0  # on the board; the canonical order is another
    retired_at: float | None = None
    merged_into: str = ""

    @property
    def gone(self) -> bool:
        """Whether nobody may choose it any more: it is retired, or another label stands for it."""
        return self.retired_at is not None or bool(self.merged_into)

    def name(self, lang: str) -> str:
        return self.en if lang == "en" and self.en else self.zh


@dataclass(frozen=True)
class LabelSet:
    """The canonical order of the labels that may be chosen today; every export and every model uses it.

    ``merged``: keys of labels that are no more, and the key that stands for each now. ``gone``: the labels that were
    merged or retired; past decisions still bear their keys.
    """

    labels: tuple[Label, ...]
    merged: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[Label, ...] = ()

    @classmethod
    def of(cls, labels: Iterable[Label]) -> LabelSet:
        """The set that a project's labels make today; ``labels`` are all of them, in canonical order."""
        every = tuple(labels)
        into = {label.key: label.merged_into for label in every if label.merged_into}
        return cls(
            labels=tuple(label for label in every if not label.gone),
            merged={key: _last(into, key) for key in into},
            gone=tuple(label for label in every if label.gone),
        )

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        return tuple(label.key for label in self.labels)

    @cached_property
    def position(self) -> dict[str, int]:
        """Key → place in the canonical order."""
        return {key: k for k, key in enumerate(self.keys)}

    @cached_property
    def _order(self) -> dict[str, int]:
        """As ``position``, then the labels that are gone."""
        return {label.key: k for k, label in enumerate(self.every)}

    @cached_property
    def _named(self) -> dict[str, str]:
        """Key or Chinese name → key of the first label that bears it."""
        found: dict[str, str] = {}
        for label in self.every:
            for name in (label.key, label.zh):
                found.setdefault(name, label.key)
        return found

    @cached_property
    def _named_en(self) -> dict[str, str]:
        """As ``_named``, of English names whatever their case."""
        found: dict[str, str] = {}
        for label in self.every:
            if label.en:
                found.setdefault(label.en.casefold(), label.key)
        return found

    @cached_property
    def fingerprint(self) -> str:
        """Changes when a label is added, removed, renamed or moved: a model of another fingerprint is refused."""
        return hashlib.sha256(json.dumps(self.keys, ensure_ascii=False).encode()).hexdigest()[:16]

    @cached_property
    def on_board(self) -> tuple[Label, ...]:
        """The labels that may be chosen, in the order in which people see them."""
        return tuple(sorted(self.labels, key=lambda label: label.place))

    @property
    def every(self) -> tuple[Label, ...]:
        """Those that may be chosen, then those that are gone."""
        return (*self.labels, *self.gone)

    def names(self, lang: str) -> dict[str, str]:
        """What each key is called, those that are gone too: for whatever shows something of the past."""
        return {label.key: label.name(lang) for label in self.every}

    def find(self, name: str) -> str:
        """The key of a label given by key, Chinese or English name; also of one that is gone.

        Raises UnknownLabel: nothing of that name exists here.
        """
        wanted = name.strip()
        found = [each for each in (self._named.get(wanted), self._named_en.get(wanted.casefold())) if each is not None]
        if found:
            return min(found, key=self._order.__getitem__)
        raise UnknownLabel(label=wanted, known=_listed([label.zh for label in self.labels]))

    def canonical(self, names: Iterable[str]) -> tuple[str, ...]:
        """Keys without repetition, in the set's order, as somebody chose them: a label that is gone since stays in."""
        return tuple(sorted({self.find(name) for name in names}, key=self._order.__getitem__))

    def present(self, keys: Iterable[str]) -> tuple[str, ...]:
        """Keys of a past decision as they count today: merged labels as what stands for them, retired ones not."""
        found = {self.merged.get(key, key) for key in keys}
        return tuple(sorted(found & self.position.keys(), key=self.position.__getitem__))

    def encode(self, label_sets: Sequence[Iterable[str]]) -> NDArray[np.int8]:
        """Present-day label sets as rows. Shapes: → (N, K) of 0 and 1."""
        matrix = np.zeros((len(label_sets), len(self)), dtype=np.int8)
        for n, keys in enumerate(label_sets):
            for key in keys:
                matrix[n, self.position[key]] = 1
        return matrix


def _listed(names: Sequence[str]) -> str:
    """As many as a sentence bears."""
    return ", ".join(names[:NAMES_SAID]) + (" …" if len(names) > NAMES_SAID else "")


def _last(into: Mapping[str, str], key: str) -> str:
    """The end of a chain of merges."""
    seen = {key}
    while (key := into.get(key, key)) not in seen:
        seen.add(key)
    return key


def majority(label_sets: Sequence[frozenset[str]]) -> frozenset[str]:
    """Labels that more than half of the annotators chose; one annotator's choice stands as it is."""
    names = frozenset().union(*label_sets) if label_sets else frozenset()
    return frozenset(name for name in names if 2 * sum(name in chosen for chosen in label_sets) > len(label_sets))


def settle(label_sets: Sequence[frozenset[str]], rule: str) -> frozenset[str]:
    """What a text that nobody has adjudicated counts as; the empty set: it is left out.

    majority: what more than half chose; union: what anybody chose; leave_out: the set that all chose.
    """
    if rule == "majority":
        return majority(label_sets)
    if rule == "union":
        return frozenset().union(*label_sets)
    return label_sets[0] if len(set(label_sets)) == 1 else frozenset()
