"""The model card that travels with an exported student: Chinese first, English beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import PurePath
from typing import Any

from core.approximations import ADDITION, APPROXIMATION, departures
from core.config import HEAD_ARCHS, RoundConfig
from core.messages import say
from core.stored_config import stored

UNSTABLE = 10  # fewer gold positives than this: the figure moves with every single text
RUN = (  # what every zip is run by
    "```",
    "pip install -r requirements.txt",
    'python predict.py "一段文字"',
    "python predict.py --file texts.csv --column text > labels.jsonl",
    "```",
)
AGGREGATES = {"macro": "macro-F1", "micro": "micro-F1", "weighted": "weighted-F1", "subset": "完全相符 exact match"}


def model_card(
    labels: Sequence[Mapping[str, Any]], config: Mapping[str, Any], card: Mapping[str, Any], *, tokens: int
) -> str:
    """The card as Markdown.

    ``labels`` carry key, zh, en, definition, threshold; ``card`` may hold project, round, deeper, finished, n_train,
    n_valid, n_gold, code_version, teacher_weights (key → W), warnings ((code, fields) pairs), metrics
    (rows with model, split, scope, f1, precision, recall, support, low, high, n), revision and quality (as a student's
    meta has them), about (of a head over an encoder: what its student.json says beyond others).
    What it lacks is said to be unknown, never left out.
    """
    metrics = [plain(row) for row in card.get("metrics") or ()]
    gold = [row for row in metrics if row.get("split") == "gold"]
    return "\n".join(
        [
            *_head(card, config, tokens),
            *_figures(labels, gold, card),
            *_labels(labels, card.get("teacher_weights") or {}),
            *_probabilities(labels, config, card),
            *use(),
            *_approximations(config, card),
            *settings_of(config),
            *_files(card.get("about") or {}),
        ]
    )


def _head(card: Mapping[str, Any], config: Mapping[str, Any], tokens: int) -> list[str]:
    facts = (
        ("專案 project", card.get("project")),
        ("回合 round", f"{_text(card.get('round'))}{'（深入訓練 a deeper round）' if card.get('deeper') else ''}"),
        ("完成時間 finished (UTC)", card.get("finished")),
        ("訓練文字 training texts", card.get("n_train")),
        ("驗證文字 validation texts", card.get("n_valid")),
        ("黃金文字 gold texts", card.get("n_gold")),
        ("架構 architecture", config.get("arch")),
        *([("編碼器 encoder", PurePath(config["encoder"]).name)] if _uses_encoder(config) else []),
        ("詞彙 vocabulary", tokens),
        ("程式版本 code version", card.get("code_version")),
    )
    return [
        "# 模型卡 Model card",
        "",
        *_made(config),
        "",
        *table(("", ""), facts),
    ]


def _uses_encoder(config: Mapping[str, Any]) -> bool:
    known = stored(config)
    return known is not None and known.uses_encoder


def _made(config: Mapping[str, Any]) -> list[str]:
    """In one sentence, what taught it."""
    known = stored(config)
    if known is not None and known.teachers != "linear" and known.used_archs[-1] in HEAD_ARCHS:
        return [
            "由一個看所有標籤、接在預訓練編碼器上的老師模型蒸餾而成的多標籤學生模型。",
            "A multi-label student distilled from one teacher of all labels over a pretrained encoder.",
        ]
    return [
        "由每個標籤各自的老師模型蒸餾而成的多標籤學生模型；此資料夾可單獨執行。",
        "A multi-label student distilled from one teacher per label; this folder runs alone.",
    ]


def _figures(
    labels: Sequence[Mapping[str, Any]], gold: Sequence[Mapping[str, Any]], card: Mapping[str, Any]
) -> list[str]:
    lines = ["## 成績 Figures", ""]
    student = {row.get("scope"): row for row in gold if row.get("model") == "student"}
    if not student:
        return [*lines, "未提供黃金集成績。No figures on gold were given.", ""]
    lines += [
        "量在黃金集：標註時不給建議、從不用於訓練。附 95 % 區間。",
        "Measured on gold: labelled without suggestions, never trained on, with 95 % intervals.",
        "",
    ]
    rows = [
        (_name(label), *numbers(student.get(label["key"], {})), stability(student.get(label["key"], {})))
        for label in labels
    ]
    rows += [(title, *numbers(student[scope]), "") for scope, title in AGGREGATES.items() if scope in student]
    head = ("標籤 label", "F1", "95 %", "precision", "recall", "n⁺ support", "")
    lines += table(head, rows)
    others = [
        (model, *(number(finding(gold, model, scope).get("f1")) for scope in AGGREGATES))
        for model in ("student", "standalone", "teacher", "linear", "svm")
        if finding(gold, model, "macro")
    ]
    if len(others) > 1:
        lines += ["同一回合、同一黃金集 Same round, same gold:", ""]
        lines += table(("model", *AGGREGATES.values()), others)
    return lines


def _labels(labels: Sequence[Mapping[str, Any]], weights: Mapping[str, float]) -> list[str]:
    rows = [
        (
            *(label.get(name) or "" for name in ("key", "zh", "en", "definition")),
            f"{label['threshold']:.4f}",
            weights.get(label["key"], "–"),
        )
        for label in labels
    ]
    head = ("key", "中文", "English", "定義 definition", "門檻 threshold", "老師權重 teacher's class weight")
    return [
        "## 標籤與門檻 Labels and thresholds",
        "",
        "機率大於或等於門檻即給予標籤。A label is given when its probability is at or above its threshold.",
        "",
        *table(head, rows),
    ]


def use() -> list[str]:
    return [
        "## 用途與限制 Intended use and limits",
        "",
        "- 用途：為與訓練資料同類的短文建議主題標籤，供研究與編輯參考。",
        "  Use: suggesting topic labels for short texts of the kind it was trained on, for research and editing.",
        "- 不可用於診斷、用藥或任何對個人的決定。Not for diagnosis, medication or any decision about a person.",
        "- 其他語言、文體或領域的文字未經測試。Texts of another language, genre or field were not tested.",
        f"- 黃金集正例少於 {UNSTABLE} 的標籤成績不穩定。"
        f"Figures of labels with fewer than {UNSTABLE} gold positives are unstable.",
        "- 訓練文字可能由主動學習挑選，並非隨機樣本：標籤比例不代表母體。"
        "Training texts may have been chosen by active learning: their label shares are not the population's.",
        "",
    ]


def _approximations(config: Mapping[str, Any], card: Mapping[str, Any]) -> list[str]:
    """By name, all that the round does otherwise than the published protocol, and what holds for any student."""
    known = stored(config)
    told = departures(known) if known else ()
    lines = ["## 近似之處 Approximations", ""]
    if known is None:
        lines.append("- 這些設定無法解讀。These settings are not understood here.")
    lines += [f"- `{each.code}`：{each.zh}{each.en}" for each in told if each.kind == APPROXIMATION]
    if known and known.soft_targets == "in_sample":
        lines.append(
            "- 軟目標是老師對自己訓練文字的機率，與發表作法相同；老師過擬合時偏向 0 與 1。"
            "Soft targets are the teachers' probabilities on their own training texts, as published; "
            "they lean to 0 and 1 where a teacher overfits."
        )
    lines += [
        *_cuts(known, card),
        "- 未見過的詞一律視為同一個「未知」。Tokens outside the vocabulary all count as one unknown token.",
        *(warning(code, fields) for code, fields in card.get("warnings") or ()),
        "",
    ]
    added = [f"- `{each.code}`：{each.zh}{each.en}" for each in told if each.kind == ADDITION]
    return [*lines, *(["## 論文之外 Beyond the paper", "", *added, ""] if added else [])]


def _cuts(known: RoundConfig | None, card: Mapping[str, Any]) -> list[str]:
    revision = card.get("revision") or {}
    calibrated = bool(revision.get("calibration"))
    at_half = known is not None and known.half_cuts and not revision.get("neighbours")
    if at_half and calibrated:
        return [
            "- 門檻是校準前 0.5 的位置：校準改變機率，不改變判斷。"
            "Thresholds lie where one half was before calibration, which changes probabilities and no decision."
        ]
    if at_half:
        return [
            "- 機率不是頻率：每個標籤的對數勝算都移到以 0.5 為最佳切點，門檻因此都是 0.5。"
            "Probabilities are no frequencies: each label's log-odds are moved so that one half is the best cut, which "
            "is every label's threshold."
        ]
    chosen = (
        f"- 門檻選自 {_text(card.get('n_valid'))} 則驗證文字。"
        f"Thresholds were chosen on {_text(card.get('n_valid'))} validation texts."
    )
    if calibrated:
        return [chosen]  # what calibration did has lines of its own
    return [
        "- 機率未經校準：類別權重移動了對數勝算，請與門檻比較，勿與 0.5 比較。"
        "Probabilities are not calibrated: class weights shift the log-odds. Compare with the threshold, not with 0.5.",
        chosen,
    ]


def _probabilities(
    labels: Sequence[Mapping[str, Any]], config: Mapping[str, Any], card: Mapping[str, Any]
) -> list[str]:
    """What was done to the model's probabilities, where the round asked for it, and what it brought on gold."""
    revision = card.get("revision") or {}
    calibration, near = revision.get("calibration"), revision.get("neighbours")
    asked = (config.get("calibration", "none") != "none", config.get("neighbours", "off") != "off")
    if not any(asked):
        return []
    lines = ["## 機率 Probabilities", ""]
    if asked[1]:
        lines.append(
            f"- 機率裡有 {near['share']:g} 來自最近的 {near['nearest']} 篇訓練文字的標籤（T = {near['width']:.3g}）。"
            f"{near['share']:g} of each probability are the labels of the {near['nearest']} nearest training texts "
            f"(T = {near['width']:.3g})."
            if near
            else "- 驗證資料沒有因鄰近文字進步，所以沒有採用。Validation gained nothing by neighbours: none are asked."
        )
    if calibration:
        n, pairs = _text(card.get("n_valid")), zip(labels, calibration["methods"], strict=True)
        told = ", ".join(f"{_cell(label['key'])} {method}" for label, method in pairs)
        lines.append(f"- 在 {n} 則驗證文字上校準。Calibrated on {n} validation texts: {told}")
    quality = card.get("quality") or {}
    lines += ["", *table(("黃金集 gold", "之前 before", "之後 after"), [
        (title, *(number((quality.get(part) or {}).get(name)) for part in ("before", "after")))
        for title, name in (("ECE", "ece"), ("Brier", "brier"))
    ])]  # fmt: skip
    return lines


def warning(code: str, fields: Mapping[str, Any]) -> str:
    values = dict(fields)
    zh, en = say(code, values, "zh"), say(code, values, "en")
    said = f"{zh}{en}" if zh and en else ", ".join(f"{key} = {value}" for key, value in sorted(fields.items()))
    return f"- 此回合的警告 warning of this round: `{code}` {_cell(said)}".rstrip()


def settings_of(config: Mapping[str, Any]) -> list[str]:
    """A vectors file by its name alone: where it lay is nobody's business who is given the model."""
    shown = {**config, **{name: PurePath(config.get(name) or "").name for name in ("vectors_file", "encoder")}}
    return ["## 設定 Settings", "", *table(("", ""), [(f"`{key}`", shown[key]) for key in sorted(shown)])]


def _files(about: Mapping[str, Any]) -> list[str]:
    if about.get("alone") is False:
        return [
            "## 執行 Running it",
            "",
            "這個模型搜尋標籤組，不能寫成 ONNX：權重在 `encoder.zip`，只有標註系統能使用。"
            "This model searches for label sets, which is no ONNX graph: its weights are in `encoder.zip`, and only "
            "the app can use them.",
            "",
        ]
    return [
        "## 執行 Running it",
        "",
        *_int8(about),
        *RUN,
        "",
        "`SHA256SUMS` 於載入時核對；`sha256sum -c SHA256SUMS` 核對全部。"
        "Checked on loading; `sha256sum -c SHA256SUMS` checks every file.",
        "",
    ]


def _int8(about: Mapping[str, Any]) -> list[str]:
    if "int8" not in about:
        return []
    found = about["int8"]
    if not found:
        return [
            "int8 版本在這裡沒有比較快，或差太多，所以沒有附上。"
            "An int8 variant was no faster here, or too far off, and is left out.",
            "",
        ]
    return [
        f"`--int8` 用 `model.int8.onnx`：匯出時量到快 {found['times_faster']} 倍，機率最多差 {found['differs']}。"
        f"`--int8` uses `model.int8.onnx`: measured {found['times_faster']} times as fast when exported, probabilities "
        f"{found['differs']} off at most.",
        "",
    ]


def _name(label: Mapping[str, Any]) -> str:
    return f"{label.get('zh') or label['key']} {label.get('en') or ''}".strip()


def numbers(row: Mapping[str, Any]) -> tuple[str, str, str, str, str]:
    low, high = row.get("low"), row.get("high")
    interval = "–" if low is None or high is None else f"{low:.3f}–{high:.3f}"
    rates = (number(row.get("f1")), interval, number(row.get("precision")), number(row.get("recall")))
    return (*rates, _text(row.get("support")))


def stability(row: Mapping[str, Any]) -> str:
    support = row.get("support")
    return "不穩定 unstable" if support is None or support < UNSTABLE else ""


def finding(rows: Iterable[Mapping[str, Any]], model: str, scope: str) -> Mapping[str, Any]:
    return next((row for row in rows if (row.get("model"), row.get("scope")) == (model, scope)), {})


def number(value: Any) -> str:
    return "–" if value is None else f"{value:.3f}"


def _text(value: Any) -> str:
    return "未知 unknown" if value is None or value == "" else str(value)


def plain(row: Any) -> Mapping[str, Any]:
    return asdict(row) if is_dataclass(row) and not isinstance(row, type) else row


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    def line(cells: Sequence[Any]) -> str:
        safe = (_cell(cell) for cell in cells)
        return "| " + " | ".join(safe) + " |"

    return [line(head), "|" + "---|" * len(head), *(line(row) for row in rows), ""]


def _cell(value: Any) -> str:
    if value == "":
        return ""
    return " ".join(_text(value).split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
