"""How a report's figures came to be, in sentences: data, labels, training, thresholds, intervals, software, sources."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from core import messages
from core.approximations import ADDITION, departures
from core.evaluate import paired, resampled
from core.evaluate.metrics import RESAMPLES
from core.export.report_words import catalogue, say
from core.messages import in_language
from core.services.dashboard.overview import Glance
from core.services.dashboard.per_label import Labels
from core.services.dashboard.report_sections import UNSTABLE_BELOW, Names
from core.services.projects import Project
from core.stored_config import stored
from core.version import VERSION
from db.records import RoundRow

PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "gensim", "streamlit")
Part = tuple[str, tuple[str, ...]]


def methods(
    glance: Glance, labels: Labels, at: RoundRow | None, names: Names, n_people: int, lang: str
) -> tuple[Part, ...]:
    """Headings with their sentences. ``at``: the round in use; ``names``: labels by key."""
    project = glance.project
    return (
        (say("h_data", lang), _data(glance, n_people, lang)),
        (say("h_labels", lang), _definitions(project, lang)),
        (say("h_protocol", lang), _protocol(at, lang)),
        (say("h_thresholds", lang), _thresholds(labels, names, lang)),
        (say("h_tests", lang), _tests(lang)),
        (say("h_software", lang), _software()),
        (say("h_literature", lang), tuple(say(key, lang) for key in sorted(catalogue()) if key.startswith("b_"))),
    )


def _data(glance: Glance, n_people: int, lang: str) -> tuple[str, ...]:
    settings = glance.project.settings
    return (
        say("d_texts", lang, pool=f"{glance.n_pool:,}", labelled=f"{glance.n_labelled:,}", gold=f"{glance.n_gold:,}",
            gold_labelled=f"{glance.n_gold_labelled:,}"),
        say("d_gold", lang),
        say("d_people", lang, n=n_people, overlap=settings.overlap, share=round(100 * settings.gold_double_share)),
        say(f"d_rule_{settings.unsettled}", lang),
        say("d_active", lang, strategy=settings.acquisition, share=round(100 * settings.explore_share)),
    )  # fmt: skip


def _definitions(project: Project, lang: str) -> tuple[str, ...]:
    def words(label: Any) -> str:
        said = label.definition_en if lang == "en" and label.definition_en else label.definition
        return f"{label.name(lang)} ({label.key}): {said or say('l_none', lang)}"

    return tuple(words(label) for label in project.label_set.labels)


def _protocol(at: RoundRow | None, lang: str) -> tuple[str, ...]:
    if at is None:
        return (say("p_none", lang),)
    config = stored(at.config)
    about: Mapping[str, Any] = {
        "n": at.number, "arch": at.config.get("arch", "?"), "train": at.n_train, "valid": at.n_valid,
        "gold": at.n_gold, "version": at.code_version,
    }  # fmt: skip
    told = [say("p_what", lang), say("p_round", lang, **about)]
    if config is None:
        told.append(say("p_unknown", lang))
    else:
        for each in departures(config):
            key = "p_addition" if each.kind == ADDITION else "p_approximation"
            told.append(say(key, lang, what=in_language((each.zh, each.en), lang)))
    for code, fields in at.warnings:
        told.append(say("p_warning", lang, what=messages.say(code, dict(fields), lang) or code))
    return tuple(told)


def _thresholds(labels: Labels, names: Names, lang: str) -> tuple[str, ...]:
    known = [(each.scope, each.models["student"].threshold) for each in labels.labels if "student" in each.models]
    values = [
        say("t_one", lang, label=names.get(key, key), value=f"{cut:.3f}") for key, cut in known if cut is not None
    ]
    return (say("t_what", lang), *values)


def _tests(lang: str) -> tuple[str, ...]:
    return (
        say("s_boot", lang, n=RESAMPLES), say("s_paired", lang, n=paired.DRAWS),
        say("s_alpha", lang, n=resampled.RESAMPLES), say("s_share", lang), say("s_bands", lang),
        say("s_calibration", lang), say("s_unstable", lang, least=UNSTABLE_BELOW), say("s_many", lang),
    )  # fmt: skip


def _software() -> tuple[str, ...]:
    found = [f"Tagtail {VERSION}", f"Python {platform.python_version()}", f"SQLite {sqlite3.sqlite_version}"]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return tuple(found)
