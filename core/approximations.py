"""What a round does otherwise than the published protocol, by name: in its card, on its page, for whoever compares.

Two kinds. An *approximation* stands in for something that was published and costs more, or fills in what the paper
leaves open; an *addition* goes beyond the paper. Exact ways to compute the same thing faster are neither.
Source: lee2022kd, section 3 and 4; liu2017xmlcnn for TextCNN.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import PurePath
from typing import Any, NamedTuple

from core import approximation_words as words
from core.config import CLASS_WEIGHTS, HEAD_ARCHS, SET_HEADS, TEACHER_EPOCHS, RoundConfig

APPROXIMATION, ADDITION = "approximation", "addition"

PUBLISHED: Mapping[str, Any] = {
    "segmenter": "ckip",
    "conversion": "",
    "max_tokens": 300,
    "vector_size": 300,
    "trainable_vectors": False,
    "class_weights": CLASS_WEIGHTS,
    "sweep": "exact",
    "teachers": "neural",
    "teacher_arch": "",
    "soft_targets": "in_sample",
    "hard_share": 0.0,
    "loss": "bce.v1",
    "soft_loss": "bce.v1",
    "teacher_loss": "bce.v1",
    "student_epoch": "best",
    "batch_size": 32,
    "lr": 1e-3,
    "max_epochs": 30,
    "patience": 10,
    "teacher_patience": 0,
    "teacher_steps": 0,
    "teacher_batch_size": 0,
    "valid_share": 0.15,
    "calibration": "none",
    "neighbours": "off",
    "precision": "float32",
}
_BATCH = {"gru_att.v1": 128}
_SIZES = {  # which sizes an architecture has; the paper states none of them
    "textcnn.v1": ("filters", "chunks", "hidden"),
    "textcnn_att.v1": ("filters",),
    "textrnn.v1": ("rnn_hidden",),
    "textrnn_att.v1": ("rnn_hidden",),
    "han.v1": ("han_hidden", "sentence_tokens"),
    "han_att.v1": ("han_hidden", "sentence_tokens"),
    "gru_att.v1": ("gru_hidden",),
    "gru_label_att.v1": ("gru_hidden",),
}
DEEPER: Mapping[str, Any] = {
    "teacher_arch": "gru_att.v1",
    "soft_targets": "in_sample",
    "teachers": "stack",
    "spliced": 6.0,
    "patience": 10,
    "teacher_patience": 0,
    "teacher_steps": 0,
}


class Departure(NamedTuple):
    """One thing that a round does otherwise, as people read it."""

    code: str
    kind: str
    zh: str
    en: str


class _Rule(NamedTuple):
    code: str
    kind: str
    applies: Callable[[RoundConfig], bool]
    zh: str
    en: str


def _differs(name: str) -> Callable[[RoundConfig], bool]:
    return lambda config: getattr(config, name) != PUBLISHED[name]


def _always(config: RoundConfig) -> bool:
    return True


def _networks(config: RoundConfig) -> bool:
    """Whether a label's teacher is a network of its own, or several."""
    return config.teachers != "linear" and not _head_teaches(config)


def _head_teaches(config: RoundConfig) -> bool:
    return config.teachers != "linear" and config.used_archs[-1] in HEAD_ARCHS


def _head_learns(config: RoundConfig) -> bool:
    return config.arch in HEAD_ARCHS


def _of_small(name: str) -> Callable[[RoundConfig], bool]:
    """Of a student that is no head: heads have settings of their own."""
    return lambda config: not _head_learns(config) and getattr(config, name) != PUBLISHED[name]


def _of_words(name: str) -> Callable[[RoundConfig], bool]:
    return lambda config: config.uses_vectors and getattr(config, name) != PUBLISHED[name]


_RULES: tuple[_Rule, ...] = (
    _Rule(
        "fast_sweep", APPROXIMATION, lambda c: c.sweep == "fast" and _networks(c),
        "每個標籤只訓練一個教師（W = 1）；其他類別權重 W 以對數勝算加上 log W 近似，再由驗證資料選一個。"
        "發表作法是每個權重各訓練一個教師。",
        "One teacher a label is trained (W = 1); every other class weight W is approximated by adding log W to its "
        "logit, and validation picks one. Published: a teacher is trained for each weight.",
    ),
    _Rule(
        "class_weights", APPROXIMATION, lambda c: c.class_weights != CLASS_WEIGHTS and _networks(c),
        "試過的類別權重：{weights}；發表值是 {published_weights}。",
        "Class weights tried: {weights}; published: {published_weights}.",
    ),
    _Rule(
        "patience", APPROXIMATION, lambda c: c.uses_vectors and c.patience != 10,
        "驗證成績連續 {patience} 回沒有進步就停止；發表值 10。",
        "Training stops after {patience} epochs without progress on validation; published: 10.",
    ),
    _Rule(
        "teacher_patience", APPROXIMATION, lambda c: c.teacher_patience not in (0, 10) and _networks(c),
        "教師連續 {teacher_patience} 回沒有進步就停止；發表值 10。",
        "Teachers stop after {teacher_patience} epochs without progress; published: 10.",
    ),
    _Rule(
        "teacher_steps", APPROXIMATION, lambda c: c.teacher_steps > 0 and _networks(c),
        "教師最多訓練 {teacher_steps} 步（至少 {teacher_epochs_at_least} 回）；發表值 30 回。",
        "A teacher is trained for at most {teacher_steps} steps ({teacher_epochs_at_least} epochs at least); "
        "published: 30 epochs.",
    ),
    _Rule(
        "teacher_batch_size", APPROXIMATION,
        lambda c: _networks(c) and c.of_teachers.batch_size != _BATCH.get(c.of_teachers.arch, 32)
        and (c.of_teachers.arch, c.of_teachers.batch_size) != (c.arch, c.batch_size),
        "教師每批 {batch_of_teachers} 篇；發表值 32（GRU-Att 128）。",
        "Teachers learn from batches of {batch_of_teachers} texts; published: 32 (GRU-Att 128).",
    ),
    _Rule(
        "teacher_arch", APPROXIMATION,
        lambda c: c.teacher_arch not in ("", c.arch) and (_networks(c) or _head_teaches(c)),
        "教師的架構（{teacher_arch}）和學生（{arch}）不同；發表作法兩者相同。",
        "The teachers' architecture ({teacher_arch}) is not the student's ({arch}); published: the same.",
    ),
    _Rule(
        "student_epoch", ADDITION, _of_small("student_epoch"),
        "學生訓練滿 {max_epochs} 回，不由驗證資料挑選或停止；發表作法是挑驗證成績最好的一回。",
        "The student is trained for all {max_epochs} epochs, and validation neither picks nor stops it; published: the "
        "epoch that is best on validation.",
    ),
    _Rule(
        "max_epochs", APPROXIMATION, _of_words("max_epochs"),
        "最多訓練 {max_epochs} 回；發表值 30。", "At most {max_epochs} epochs; published: 30.",
    ),
    _Rule(
        "batch_size", APPROXIMATION, lambda c: c.batch_size != _BATCH.get(c.arch, 32),
        "每批 {batch_size} 篇；發表值 {published_batch}。", "Batches of {batch_size}; published: {published_batch}.",
    ),
    _Rule("lr", APPROXIMATION, _of_words("lr"), "學習率 {lr}；發表值 0.001。", "Learning rate {lr}; published: 0.001."),
    _Rule(
        "valid_share", APPROXIMATION, _differs("valid_share"),
        "驗證資料佔 {valid_share}；發表值 0.15。", "Validation share {valid_share}; published: 0.15.",
    ),
    _Rule(
        "precision", APPROXIMATION, lambda c: c.precision == "bfloat16",
        "訓練步驟以 bfloat16 計算，權重與答案仍是 float32；論文沒有說明。",
        "Training steps are computed in bfloat16, weights and answers stay float32; the paper does not say.",
    ),
    _Rule(
        "segmenter", APPROXIMATION, _of_words("segmenter"),
        "斷詞方式是 {segmenter}；發表作法是 CKIP Transformer 的詞。",
        "Tokens are those of {segmenter}; published: words by CKIP Transformer.",
    ),
    _Rule(
        "max_tokens", APPROXIMATION, _of_words("max_tokens"),
        "每篇只讀前 {max_tokens} 個詞元；發表值 300 個詞。",
        "The first {max_tokens} tokens of a text are read; published: 300 words.",
    ),
    _Rule(
        "own_vectors", APPROXIMATION, lambda c: c.uses_vectors and not c.vectors_file,
        "詞向量只學自本專案的訓練與待標文字（量大時取樣）；發表作法另加中文維基百科。",
        "Word vectors come from this project's training and pool texts alone (a sample where they are many); "
        "the published ones add Chinese Wikipedia.",
    ),
    _Rule(
        "given_vectors", APPROXIMATION, lambda c: c.uses_vectors and bool(c.vectors_file),
        "詞向量取自檔案 {vectors_name}，不是學自中文維基百科與實驗資料。",
        "Word vectors are those of the file {vectors_name}, not learned from Chinese Wikipedia and the data.",
    ),
    _Rule(
        "vector_size", APPROXIMATION, _of_words("vector_size"),
        "詞向量 {vector_size} 維；發表值 300。", "Word vectors of {vector_size} dimensions; published: 300.",
    ),
    _Rule(
        "sizes", APPROXIMATION, lambda c: not _head_learns(c),
        "論文沒有寫出各層大小與 dropout；這裡是 {sizes}。",
        "The paper states neither layer sizes nor dropout; here: {sizes}.",
    ),
    _Rule(
        "teacher_choice", APPROXIMATION, _networks,
        "論文沒有說用哪個驗證成績選教師；這裡是門檻 0.5 的 F1（以 0.02 為一級），同級看平均精確率。",
        "Which validation figure picks a teacher is not stated; here F1 at one half in steps of 0.02, ties by average "
        "precision.",
    ),
    _Rule(
        "threshold_rule", APPROXIMATION, lambda c: c.thresholds != "auto",
        "每個標籤的門檻以 {thresholds} 規則選自驗證資料（三份取平均）；論文沒有寫出門檻。",
        "Each label's threshold is chosen on validation by the rule {thresholds}, the mean over three parts of it; the "
        "paper does not state its cut.",
    ),
    _Rule(
        "thresholds", APPROXIMATION, lambda c: c.thresholds == "auto" and not c.half_cuts,
        "每個標籤的門檻選自驗證資料，正例少者拉向與標籤比例相符的切點；論文沒有寫出門檻。",
        "Each label's threshold is chosen on validation, pulled towards the cut that fits its frequency where "
        "positives are few; the paper does not state its cut.",
    ),
    _Rule(
        "one_gold_set", APPROXIMATION, _always,
        "成績量在一份隨機金標準上；發表作法是五折交叉驗證。",
        "Figures are measured on one random gold set; published: five-fold cross-validation.",
    ),
    _Rule(
        "out_of_fold", ADDITION, lambda c: c.soft_targets == "out_of_fold",
        "軟目標來自沒看過該篇的教師（{oof_folds} 折）；對其他文字則由各折教師平均。論文用教師對自己訓練文字的機率。",
        "A text's soft targets come from teachers that have not seen it ({oof_folds} folds); on other texts the folds' "
        "teachers answer by their mean. The paper uses probabilities on the teachers' own training texts.",
    ),
    _Rule(
        "best_cut", ADDITION, lambda c: c.cut_at_half,
        "教師的對數勝算經過校準，再平移到以 0.5 為最佳切點{cut_there[zh]}；論文的教師由選中的類別權重移動。",
        "The teachers' logits are calibrated and moved so that one half is the best cut{cut_there[en]}; in the paper "
        "the class weight that was picked moves them.",
    ),
    _Rule(
        "hard_share", ADDITION, _differs("hard_share"),
        "學生的目標裡有 {hard_share} 是人給的標籤；論文只用教師的機率。",
        "{hard_share} of the student's target are the labels that people gave; the paper uses soft targets alone.",
    ),
    _Rule(
        "loss", ADDITION, _differs("loss"),
        "人給的標籤以 {loss} 為損失函數；論文用二元交叉熵。",
        "Labels that people gave are learned with the loss {loss}; the paper uses binary cross-entropy.",
    ),
    _Rule(
        "soft_loss", ADDITION, _differs("soft_loss"),
        "教師的機率以 {soft_loss} 為損失函數；論文用二元交叉熵。",
        "The teachers' probabilities are learned with the loss {soft_loss}; the paper uses binary cross-entropy.",
    ),
    _Rule(
        "teacher_loss", ADDITION, _differs("teacher_loss"),
        "教師以 {teacher_loss} 為損失函數；論文用加權二元交叉熵。",
        "Teachers learn with the loss {teacher_loss}; the paper uses weighted binary cross-entropy.",
    ),
    _Rule(
        "spliced", ADDITION, lambda c: c.spliced > 0,
        "每篇訓練文字另配 {spliced} 篇拼接文字（兩篇各取一半），由{answering[zh]}回答，給學生一起學。",
        "For each training text the student also learns {spliced} spliced ones, halves of two texts, as "
        "{answering[en]}.",
    ),
    _Rule(
        "linear_teachers", ADDITION, lambda c: c.teachers == "linear",
        "教師是 TF-IDF 線性模型，不是神經網路。",
        "The teachers are linear models over TF-IDF, not networks.",
    ),
    _Rule(
        "best_teachers", ADDITION, lambda c: c.teachers == "best",
        "每個標籤由神經網路或 TF-IDF 線性模型中排序較好的一個當教師。",
        "For each label the network or the linear model over TF-IDF is the teacher, whichever ranks better.",
    ),
    _Rule(
        "stack_teachers", ADDITION, lambda c: c.teachers == "stack",
        "教師是神經網路與 TF-IDF 線性模型的堆疊：每個標籤用一個邏輯迴歸，在兩者都沒學過的文字上加權。",
        "The teacher is a stack of a network and a linear model over TF-IDF, weighed on texts new to both.",
    ),
    _Rule(
        "label_attention", ADDITION, lambda c: c.arch in words.ATTENDED,
        "每個標籤在{attended[zh]}上有自己的注意力，取代{attended[zh_instead]}。",
        "Each label has an attention of its own over {attended[en]}, in place of {attended[en_instead]}.",
    ),
    _Rule(
        "head_student", ADDITION, _head_learns,
        "學生是預訓練編碼器 {encoder_name} 上的輸出層（{arch}，{encoder_learns[zh]}，{encoder_epochs} 回，每篇前 "
        "{encoder_tokens} 個詞元）；論文的學生是沒有預訓練的小網路。",
        "The student is a head over the pretrained encoder {encoder_name} ({arch}; {encoder_learns[en]}; "
        "{encoder_epochs} epochs; the first {encoder_tokens} tokens of a text); the paper's students are small "
        "networks without pretraining.",
    ),
    _Rule(
        "head_teacher", ADDITION, _head_teaches,
        "教師是一個多標籤網路：預訓練編碼器 {encoder_name} 上的輸出層（{arch_of_teachers}，{encoder_learns[zh]}，"
        "{encoder_epochs} 回）{sets[zh]}；論文的教師是每個標籤、每個類別權重各一個網路。",
        "The teacher is one network for all labels: a head over the pretrained encoder {encoder_name} "
        "({arch_of_teachers}; {encoder_learns[en]}; {encoder_epochs} epochs){sets[en]}; the paper's teachers are a "
        "network for each label and class weight.",
    ),
    _Rule(
        "neighbours", ADDITION, lambda c: c.neighbours != "off",
        "學生也看最近的訓練文字：驗證資料有進步時，把它們的標籤以距離加權，和學生的機率混合，門檻改由驗證資料選。",
        "The student also looks at the nearest training texts: where validation gains by it, their labels, weighted by "
        "distance, are mixed into its probabilities, and thresholds are chosen on validation.",
    ),
    _Rule(
        "calibration", ADDITION, lambda c: c.calibration != "none",
        "機率在驗證資料上校準過（{calibration}），門檻跟著移動；論文沒有校準。",
        "Probabilities are calibrated on validation ({calibration}), and thresholds move with them; the paper does not "
        "calibrate.",
    ),
    _Rule(
        "trainable_vectors", ADDITION, _of_small("trainable_vectors"),
        "學生的詞向量跟著學習；教師的固定不變。",
        "The student's word vectors learn with it; the teachers' are frozen.",
    ),
    _Rule(
        "conversion", ADDITION, _of_words("conversion"),
        "文字先以 OpenCC 轉換字體（{conversion}）。",
        "Texts are converted by OpenCC first ({conversion}).",
    ),
)  # fmt: skip


def approximations(config: RoundConfig) -> tuple[str, ...]:
    """The codes of everything that this config does otherwise than the published protocol, both kinds."""
    return tuple(rule.code for rule in _RULES if rule.applies(config))


_TREE = Departure(
    "tree", APPROXIMATION,
    "標籤很多，所以不訓練教師、也不蒸餾：標籤分成一棵樹，每一層用線性分類器往下找，只看每篇最可能的標籤。"
    "發表作法是每個標籤、每個類別權重各一個教師。",
    "There are many labels, so no teachers are trained and nothing is distilled: labels stand in a tree, linear "
    "machines lead down it, and only the likeliest labels of a text are looked at. Published: a teacher for each label "
    "and class weight.",
)  # fmt: skip


def departures(config: RoundConfig) -> tuple[Departure, ...]:
    """The same as sentences, approximations first; of a tree the one thing that it is."""
    if config.label_model == "tree":
        return (_TREE,)
    values = _values(config)
    return tuple(
        Departure(rule.code, rule.kind, rule.zh.format(**values), rule.en.format(**values))
        for rule in _RULES
        if rule.applies(config)
    )


def _values(config: RoundConfig) -> dict[str, Any]:
    sizes = (*_SIZES.get(config.arch, ()), "vector_size", "dropout")
    return {
        **asdict(config),
        "weights": ", ".join(map(str, config.class_weights)),
        "published_weights": ", ".join(map(str, CLASS_WEIGHTS)),
        "published_batch": _BATCH.get(config.arch, 32),
        "teacher_epochs_at_least": TEACHER_EPOCHS,
        "batch_of_teachers": config.of_teachers.batch_size,
        "vectors_name": PurePath(config.vectors_file).name,
        "sizes": ", ".join(f"{name} = {getattr(config, name)}" for name in sizes),
        "answering": words.ANSWERING[config.soft_targets],
        "cut_there": {"zh": "，學生也就以 0.5 切", "en": ", and the student is cut there"}
        if config.half_cuts
        else {"zh": "", "en": ""},
        "attended": words.ATTENDED.get(config.arch, {}),
        "encoder_name": PurePath(config.encoder).name,
        "encoder_learns": words.FROZEN if config.encoder_frozen else words.LEARNS,
        "arch_of_teachers": config.of_teachers.arch,
        "sets": words.OF_SETS if config.of_teachers.arch in SET_HEADS else {"zh": "", "en": ""},
    }


def deeper(config: RoundConfig) -> RoundConfig:
    """The same round with better teachers, and more of them: what an idle machine may spend an hour on."""
    changed = {**DEEPER, "max_epochs": max(config.max_epochs, PUBLISHED["max_epochs"])}
    if _head_teaches(config):
        del changed["teacher_arch"]
    if config.arch in SET_HEADS:
        del changed["spliced"]
    return replace(config, **changed)
