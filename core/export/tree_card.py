"""The model card of a tree's student: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.export.card import (
    AGGREGATES,
    RUN,
    finding,
    number,
    numbers,
    plain,
    settings_of,
    stability,
    table,
    use,
    warning,
)

LISTED = 50  # labels with figures of their own in the card: the commonest of gold


def tree_card(
    labels: Sequence[Mapping[str, Any]], config: Mapping[str, Any], card: Mapping[str, Any], *, grams: int
) -> str:
    """The card as Markdown.

    ``labels`` as ``labels.json`` has them; ``card`` as for ``card.model_card``, and ``at_k`` (rows with measure, k,
    value, low, high) and ``quality`` (ece, brier, reached).
    """
    facts = (
        ("專案 project", card.get("project")),
        ("回合 round", card.get("round")),
        ("完成時間 finished (UTC)", card.get("finished")),
        ("訓練文字 training texts", card.get("n_train")),
        ("驗證文字 validation texts", card.get("n_valid")),
        ("黃金文字 gold texts", card.get("n_gold")),
        ("標籤 labels", len(labels)),
        ("學到的標籤 labels learnt", sum(bool(label["learnt"]) for label in labels)),
        ("字組 character grams", grams),
        ("程式版本 code version", card.get("code_version")),
    )
    return "\n".join(
        [
            "# 模型卡 Model card",
            "",
            "標籤數以百計、千計時的多標籤模型：把標籤分成樹，每一層用線性分類器往下找。此資料夾可單獨執行。",
            "A multi-label model for hundreds or thousands of labels: a tree of them, linear machines at each level. "
            "This folder runs alone.",
            "",
            *table(("", ""), facts),
            *_figures(labels, card),
            *_how(card),
            *use(),
            *settings_of(config),
            "## 執行 Running it",
            "",
            *RUN,
            "",
        ]
    )


def _figures(labels: Sequence[Mapping[str, Any]], card: Mapping[str, Any]) -> list[str]:
    gold = [row for row in map(plain, card.get("metrics") or ()) if row.get("split") == "gold"]
    student = {row["scope"]: row for row in gold if row.get("model") == "student"}
    lines = ["## 成績 Figures", ""]
    if not student:
        return [*lines, "未提供黃金集成績。No figures on gold were given.", ""]
    lines += [
        "量在黃金集：標註時不給建議、從不用於訓練。附 95 % 區間。",
        "Measured on gold: labelled without suggestions, never trained on, with 95 % intervals.",
        "",
    ]
    rows = [(f"{each['measure']}@{each['k']}", *_within(each)) for each in card.get("at_k") or ()]
    lines += table(("前幾名 first places", "", "95 %"), rows) if rows else []
    commonest = sorted(labels, key=lambda label: -student.get(label["key"], {}).get("support", 0))[:LISTED]
    named = [(title, *numbers(student[scope]), "") for scope, title in AGGREGATES.items() if scope in student]
    named += [
        (
            f"{label['zh'] or label['key']} {label['en']}".strip(), *numbers(student.get(label["key"], {})),
            stability(student.get(label["key"], {})),
        )
        for label in commonest
    ]  # fmt: skip
    lines += table(("標籤 label", "F1", "95 %", "precision", "recall", "n⁺ support", ""), named)
    if len(labels) > LISTED:
        lines += [f"列出黃金集最常見的 {LISTED} 個標籤。The {LISTED} commonest labels of gold are listed.", ""]
    linear = finding(gold, "linear", "macro")
    if linear:
        told = ", ".join(f"{t} {number(finding(gold, 'linear', s).get('f1'))}" for s, t in AGGREGATES.items())
        lines += [f"同一黃金集上的線性模型 the linear model on the same gold: {told}", ""]
    return lines


def _within(row: Mapping[str, Any]) -> tuple[str, str]:
    return number(row["value"]), f"{row['low']:.3f}–{row['high']:.3f}"


def _how(card: Mapping[str, Any]) -> list[str]:
    quality = card.get("quality") or {}
    lines = [
        "## 怎麼算的 How it answers",
        "",
        "- 沒有教師，也沒有蒸餾：標籤太多，每個標籤一個教師要好幾天。"
        "No teachers and no distillation: one teacher a label would take days.",
        "- 每篇只看最可能的幾群標籤；沒看到的標籤機率算 0。"
        "Each text is sent to its likeliest clusters alone; labels that were not looked at count as 0.",
        "- 機率由驗證文字校準（一條曲線給所有標籤），門檻由驗證文字與標籤的常見程度決定。"
        "Probabilities are calibrated on validation texts by one curve for all labels; thresholds come from validation "
        "and how common a label is.",
    ]
    if quality:
        ece, reached = (number(quality.get(name)) for name in ("ece", "reached"))
        lines.append(
            f"- 黃金集：名單的 ECE {ece}；真正的標籤有 {reached} 在名單裡。"
            f"On gold: ECE {ece} over what is listed; {reached} of the texts' labels are listed at all."
        )
    return [*lines, *(warning(code, fields) for code, fields in card.get("warnings") or ()), ""]
