"""Words that the sentences of ``core.approximations`` are put together with: Traditional Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

ATTENDED: Mapping[str, Mapping[str, str]] = {  # what each label's attention reads, and what it stands for
    "textcnn_att.v1": {
        "zh": "卷積", "zh_instead": "動態最大池化", "en": "the convolutions", "en_instead": "dynamic max pooling",
    },
    "textrnn_att.v1": {
        "zh": "各詞元的狀態", "zh_instead": "最後一個狀態", "en": "every token's state", "en_instead": "the last state",
    },
    "han_att.v1": {
        "zh": "句子", "zh_instead": "共用的句子注意力", "en": "the sentences", "en_instead": "one attention for all",
    },
    "gru_label_att.v1": {
        "zh": "各詞元的狀態", "zh_instead": "共用的注意力、最大值與平均", "en": "every token's state",
        "en_instead": "one attention for all, maximum and mean",
    },
}  # fmt: skip
FROZEN = {"zh": "編碼器不變", "en": "the encoder stays as it is"}
LEARNS = {"zh": "編碼器一起學", "en": "the encoder learns too"}
OF_SETS = {
    "zh": "，標籤的機率是搜尋到的標籤組中含有它的機率和",
    "en": ", a label's probability being the sum over the label sets found that hold it",
}
ANSWERING = {  # for spliced texts
    "in_sample": {"zh": "教師", "en": "the teachers answer them"},
    "out_of_fold": {
        "zh": "兩半都沒看過的那一折教師", "en": "those teachers answer them that have seen neither",
    },
}  # fmt: skip
