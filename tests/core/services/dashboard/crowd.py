"""People who label a project's texts over some days, each with habits of their own, by the services alone."""

from __future__ import annotations

import random
from collections.abc import Mapping

from sqlite_utils import Database

from core.services import annotating, projects

DAY_S = 86_400.0


def label_for_days(
    db: Database, project_id: int, people: Mapping[str, int], *, begin: float, days: int, a_day: int,
    suggest: bool = False, sway: float = 0.2, seed: int = 0,
) -> int:  # fmt: skip
    """Each of ``people`` (name → id) decides some ``a_day`` texts on most days; says how many decisions were saved.

    A text's true labels follow from its id. With ``suggest`` probabilities are on the screen, and what is over its cut
    is chosen more often by ``sway``.
    """
    draw, saved = random.Random(seed), 0
    keys = projects.project(db, project_id).label_set.keys
    for day in range(days):
        for place, who in enumerate(people.values()):
            at = begin + day * DAY_S + place * 60
            n = draw.randint(a_day // 2, a_day) if draw.random() < 0.85 else 0
            held = annotating.next_texts(db, project_id, who, n=n, now=at) if n else []
            for text in held:
                op = _decision(draw, keys, text.id, place, suggest=suggest, sway=sway)
                op |= {"uid": f"c{seed}-{day}-{who}-{text.id}", "document": text.id}
                saved += len(annotating.apply(db, project_id, who, [op], now=at).acked)
                at += 20
    return saved


def _decision(
    draw: random.Random, keys: tuple[str, ...], document: int, place: int, *, suggest: bool, sway: float
) -> dict:
    """One person's; those with a higher ``place`` err more and are slower."""
    truth = random.Random(document)
    has = {key: truth.random() < 0.5 / (n + 1) for n, key in enumerate(keys)}
    has[keys[truth.randrange(len(keys))]] = True
    error = 0.04 + 0.03 * place
    chosen = [key for key in keys if has[key] != (draw.random() < error * (0.4 + has[key]))]
    op: dict = {
        "kind": "save",
        "ms": int(draw.lognormvariate(9.0 + 0.25 * place, 0.6)) if draw.random() < 0.96 else 400,
    }
    decision = draw.choices(["labelled", "skipped", "flagged"], [92, 5, 3])[0]
    if suggest:
        shown = {key: min(0.99, max(0.01, (0.5 if has[key] else 0.34) + truth.gauss(0, 0.12))) for key in keys}
        op |= {"shown": {key: round(p, 3) for key, p in shown.items()}, "cuts": dict.fromkeys(keys, 0.42)}
        swayed = [key for key in keys if shown[key] >= 0.42 and draw.random() < sway]
        chosen = [key for key in keys if key in {*chosen, *swayed}]
    if decision == "labelled" and not chosen:
        chosen = [keys[0]]
    return op | {"decision": decision, "labels": chosen if decision == "labelled" else []}
