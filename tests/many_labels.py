"""A project with as many labels as wanted, by Zipf's law: an area of health and a matter, as real names are made."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from core.config import ProjectSettings
from core.label_rules import COLOURS
from core.labels import Label
from core.services import accounts, membership, projects
from db import annotations as annotation_rows
from db import documents, rounds
from db.annotations import NewAnnotation
from db.connect import writing
from db.records import NewDocument
from tests.conftest import NOW
from tests.core.services.dashboard import modelled

AREAS = (
    ("心臟", "heart"), ("肝臟", "liver"), ("腎臟", "kidney"), ("肺部", "lung"), ("胃部", "stomach"), ("大腸", "colon"),
    ("皮膚", "skin"), ("眼睛", "eye"), ("耳朵", "ear"), ("牙齒", "tooth"), ("骨骼", "bone"), ("關節", "joint"),
    ("肌肉", "muscle"), ("血管", "vessel"), ("血糖", "glucose"), ("血壓", "pressure"), ("甲狀腺", "thyroid"),
    ("乳房", "breast"), ("子宮", "uterus"), ("攝護腺", "prostate"), ("膀胱", "bladder"), ("大腦", "brain"),
    ("神經", "nerve"), ("睡眠", "sleep"), ("情緒", "mood"), ("兒童", "child"), ("青少年", "teenage"),
    ("孕婦", "pregnancy"), ("長者", "elder"), ("運動員", "athlete"), ("旅客", "traveller"), ("過敏", "allergy"),
    ("免疫", "immune"), ("感染", "infection"), ("腫瘤", "tumour"), ("外傷", "injury"), ("頭髮", "hair"),
    ("喉嚨", "throat"), ("鼻子", "nose"),
    ("脊椎", "spine"), ("足部", "foot"), ("手部", "hand"), ("膽囊", "gallbladder"), ("胰臟", "pancreas"),
    ("淋巴", "lymph"), ("體重", "weight"), ("膽固醇", "cholesterol"), ("尿酸", "uric acid"), ("貧血", "anaemia"),
    ("更年期", "menopause"),
)  # fmt: skip
MATTERS = (
    ("症狀", "symptoms"), ("飲食", "diet"), ("用藥", "medicine"), ("手術", "surgery"), ("篩檢", "screening"),
    ("預防", "prevention"), ("復健", "rehabilitation"), ("保健", "care"), ("疫苗", "vaccines"), ("運動", "exercise"),
    ("成因", "causes"), ("遺傳", "heredity"), ("併發症", "complications"), ("急救", "first aid"), ("迷思", "myths"),
    ("研究", "studies"), ("保險", "insurance"), ("照護", "nursing"), ("檢查", "tests"), ("副作用", "side effects"),
)  # fmt: skip
PEOPLE = ("ann", "bob", "cyd")


@dataclass(frozen=True, kw_only=True)
class Size:
    labels: int
    texts: int = 400
    gold: int = 100
    done: int = 200  # pool texts that two people have labelled


def named(n: int) -> tuple[str, str]:
    """The n-th label's names."""
    (zh, en), (of, about) = AREAS[n % len(AREAS)], MATTERS[n // len(AREAS) % len(MATTERS)]
    turn = n // (len(AREAS) * len(MATTERS))
    return (f"{zh}{of}{turn + 1}", f"{en} {about} {turn + 1}") if turn else (f"{zh}{of}", f"{en} {about}")


def many_labels(n: int) -> tuple[Label, ...]:
    """The commonest first; none has a digit of its own."""
    return tuple(
        Label(key=f"l{i:04}", zh=zh, en=en, definition=f"談到{zh}的文字。", colour=COLOURS[i % len(COLOURS)], place=i)
        for i, (zh, en) in enumerate(map(named, range(n)))
    )


def label_rows(size: Size, *, seed: int = 0) -> NDArray[np.bool_]:
    """One to four labels a text, the r-th with a weight of 1/r. Shapes: → (texts, labels)."""
    rng = np.random.default_rng(seed)
    heights = 1 / np.arange(1, size.labels + 1)
    y = np.zeros((size.texts, size.labels), dtype=bool)
    many = rng.integers(1, 5, size=size.texts)
    y[np.repeat(np.arange(size.texts), many), rng.choice(size.labels, size=many.sum(), p=heights / heights.sum())] = 1
    return y


def make(db: Database, size: Size, *, key: str = "many", seed: int = 0, **settings: object) -> int:
    """The project with its texts, people who have labelled all gold texts and ``done`` of the pool, two each."""
    chosen = ProjectSettings.from_mapping({"gold_share": 0, "suggestions": True, "overlap": 2, **settings})
    labels, y = many_labels(size.labels), label_rows(size, seed=seed)
    rng = np.random.default_rng(seed + 1)
    with writing(db):
        project_id = projects.insert_project(
            db, key=key, name=key, name_en="", guideline="", settings=chosen, labels=labels, by=None, now=NOW
        )
        for n in range(size.texts):
            about = "，".join(labels[k].zh for k in np.flatnonzero(y[n]))
            text = f"第 {n} 則：{about}，聽醫師怎麼說。"
            new = NewDocument(
                external_id=f"t{n}", text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), source="made",
                role="gold" if n < size.gold else "pool", labels=None, meta={},
            )  # fmt: skip
            documents.insert(db, project_id, new, overlap=2, done=False, now=NOW)
    known = {user.name: user.id for user in accounts.list_users(db)}
    people = [
        known.get(name) or accounts.create_user(db, name, "a-long-enough-password", "annotator", by=None, now=NOW).id
        for name in PEOPLE
    ]
    for one in people:
        membership.add(db, project_id, one, by=None, now=NOW)
    ids = document_ids(db, project_id)
    with writing(db):
        for n in range(size.gold + size.done):
            for who in rng.permutation(len(people))[:2]:
                _decide(db, project_id, ids[n], people[who], y[n], labels, rng)
    return project_id


def document_ids(db: Database, project_id: int) -> list[int]:
    """In the order in which they were made."""
    return [each["id"] for each in db.query("SELECT id FROM documents WHERE project_id = ? ORDER BY id", (project_id,))]


def _decide(
    db: Database, project_id: int, document: int, who: int, truth: NDArray, labels: Sequence[Label],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Mostly the truth; one in five has one label too many."""
    chosen = set(np.flatnonzero(truth).tolist()) | ({int(rng.integers(len(labels)))} if rng.random() < 0.2 else set())
    new = NewAnnotation(
        project_id=project_id, document_id=document, user_id=who, decision="labelled", ms=4000,
        labels=tuple(labels[k].key for k in sorted(chosen)), submission_id=f"made-{project_id}-{document}-{who}",
    )  # fmt: skip
    annotation_rows.append(db, new, now=NOW + document)
    documents.refresh_state(db, document)


def publish(db: Database, project_id: int, size: Size, *, seed: int = 0) -> int:
    """A round with all models' answers on gold, and the student's probabilities of every text. → its number."""
    y, ids = label_rows(size, seed=seed), document_ids(db, project_id)
    rng = np.random.default_rng(seed + 2)
    sure = np.clip(np.where(y, 0.7, 0.01) + rng.normal(0, 0.12, y.shape), 0.001, 0.999).astype(np.float32)
    gold, cuts = y[: size.gold], np.full(size.labels, 0.45)
    probs = {model: np.clip(sure[: size.gold] - n * 0.02, 0.001, 0.999) for n, model in enumerate(modelled.NOISE)}
    number = modelled.publish(db, project_id, ids[: size.gold], gold, probs, thresholds=cuts.tolist())
    model = rounds.current_model(db, project_id, "student")
    assert model is not None
    with writing(db):
        rounds.replace_predictions(
            db, project_id, model["id"], ((one, sure[n].astype("<f2").tobytes()) for n, one in enumerate(ids))
        )
    keys = [label.key for label in many_labels(size.labels)]
    reasons = [{"label": keys[int(np.argmax(sure[n]))], "p": 0.5} for n in range(size.gold, size.texts)]
    modelled.rank(db, project_id, reasons)
    return number
