"""What is said of pretrained encoders and the heads over them: Traditional Chinese and English."""

from __future__ import annotations

ENCODERS: dict[str, tuple[str, str]] = {  # why of EncoderUnavailable
    "": ("無法載入編碼器「{name}」：{detail}。", "The encoder “{name}” cannot be loaded: {detail}."),
    "package": (
        "編碼器需要另外安裝的套件：pip install -r requirements-transformers.txt（{detail}）。",
        "Encoders need an extra: pip install -r requirements-transformers.txt ({detail}).",
    ),
    "no_folder": (
        "找不到資料夾「{name}」。請檢查路徑；自己預訓練的編碼器在 pretrain 的 --out 資料夾裡。",
        "There is no folder “{name}”. Check the path; an encoder of your own is in the --out folder of pretrain.",
    ),
    "no_config": (
        "「{name}」裡沒有 config.json，不是編碼器的資料夾。請指到含有 config.json 與 model.safetensors 的那一層。",
        "“{name}” holds no config.json, so it is no encoder's folder. "
        "Name the one with config.json and model.safetensors.",
    ),
    "no_weights": (
        "「{name}」裡沒有權重檔。請把 model.safetensors 也放進去。",
        "“{name}” holds no weights. Put its model.safetensors there as well.",
    ),
    "corrupt": (
        "「{name}」的權重檔讀不出來，可能沒有下載完整。請重新複製或下載（{detail}）。",
        "The weights of “{name}” cannot be read; the copy may be cut short. Copy or fetch them again ({detail}).",
    ),
    "incomplete": (
        "「{name}」的權重缺了編碼器的一部分（{detail}）。請換一份完整的權重。",
        "The weights of “{name}” lack a part of the encoder ({detail}). Use a complete copy.",
    ),
    "tokenizer": (
        "「{name}」的分詞器和權重不相配：{detail}。請把和權重一起發布的分詞器檔案放在同一個資料夾。",
        "The tokenizer of “{name}” does not fit its weights: {detail}. "
        "Put the tokenizer published with them beside them.",
    ),
    "network": (
        "取不到「{name}」：它不是這台電腦上的資料夾，模型網站也連不上或沒有它。"
        "請先在能上網的電腦下載，再給資料夾路徑（{detail}）。",
        "“{name}” cannot be fetched: it is no folder here, and the hub cannot be reached or does not have it. "
        "Download it where there is a network and name the folder ({detail}).",
    ),
    "not_masked": (
        "「{name}」不是以遮罩預測訓練的編碼器（{detail}），不能接著預訓練。請換 ALBERT、BERT 或 RoBERTa 形式的編碼器。",
        "“{name}” is no masked language model ({detail}), so it cannot be trained further. "
        "Use an encoder of the form of ALBERT, BERT or RoBERTa.",
    ),
}

HEADS: dict[str, tuple[str, str]] = {  # by code
    "HeadNeedsHard": (
        "輸出層「{head}」學的是整組標籤，不能學機率（軟性目標）。學生請改用：{known}；它仍可當教師，"
        "或把 hard_share 設為 1、spliced 設為 0，只學人給的標籤。",
        "The head “{head}” learns whole label sets, not probabilities. As a student use {known}; it can still teach, "
        "or learn people's labels alone with hard_share = 1 and spliced = 0.",
    ),
    "HeadNeedsEncoder": (
        "「{head}」要接在預訓練編碼器上。請在「編碼器」填資料夾或模型名稱（設定名稱 encoder）。",
        "“{head}” stands on a pretrained encoder. Name its folder, or its name on a hub, under “Encoder” (encoder).",
    ),
}
