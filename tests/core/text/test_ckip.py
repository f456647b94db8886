"""CKIP's segmenter, an optional extra: without the package, what is said is tested; with it, a tiny model cuts."""

import shutil
import sys
from pathlib import Path

import pytest

from core.errors import ModelUnavailable
from core.text import ckip
from core.text.tokenize import read_all, segment_all, segmenter

CHARACTERS = "高血壓患者應該注意飲食避免,。abc1"
TEXTS = ["高血壓患者", "", "注意飲食,避免 ABC 1。" * 9, " ", "😀", "應該"]


def test_without_the_package_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ckip_transformers", None)
    monkeypatch.setitem(sys.modules, "ckip_transformers.nlp", None)
    ckip._loaded.cache_clear()
    with pytest.raises(ModelUnavailable, match=r"requirements-ckip\.txt"):
        segmenter("ckip")
    with pytest.raises(ModelUnavailable):
        segment_all("ckip", TEXTS)


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    """A network of one layer with weights drawn at random, in a folder as a model hub has it."""
    pytest.importorskip("ckip_transformers", reason="pip install -r requirements-ckip.txt")
    import torch
    from transformers import BertConfig, BertForTokenClassification

    folder = tmp_path_factory.mktemp("ckip")
    (folder / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]))
    small = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8}
    torch.manual_seed(0)
    network = BertForTokenClassification(BertConfig(vocab_size=30, max_position_embeddings=32, num_labels=2, **small))
    with torch.no_grad():
        network.bert.embeddings.word_embeddings.weight.mul_(50)
        network.classifier.weight.mul_(50)
    network.save_pretrained(folder)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "tokenizer_class": "BertTokenizer"}')
    return folder


def test_a_local_model_cuts_many_as_one_by_one(model: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    monkeypatch.setenv("CKIP_MODEL", str(model))
    ckip._loaded.cache_clear()
    cut = segmenter("ckip")
    one = [cut(text) for text in TEXTS]
    assert ["".join(tokens) for tokens in one] == ["".join(text.lower().split()) for text in TEXTS]
    assert 1 < len(one[0]) < 5  # neither one word nor single characters
    assert all(token.strip() == token != "" for tokens in one for token in tokens)
    assert list(segment_all("ckip", TEXTS)) == one
    assert list(read_all("ckip", "s2t", TEXTS)) == one
    assert segmenter("ckip") is cut  # loaded once
    assert capfd.readouterr() == ("", "")


def test_a_model_that_cannot_be_had_or_cuts_no_words_is_refused(model: Path, tmp_path: Path):
    from transformers import BertConfig, BertForMaskedLM

    with pytest.raises(ModelUnavailable, match="set CKIP_MODEL"):
        ckip.Ckip(str(tmp_path / "nowhere"))
    other = BertConfig(vocab_size=30, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    BertForMaskedLM(other).save_pretrained(tmp_path)
    for name in ("vocab.txt", "tokenizer_config.json"):
        shutil.copy(model / name, tmp_path)
    with pytest.raises(ModelUnavailable, match="no model for word segmentation"):
        ckip.Ckip(str(tmp_path))
    shutil.copytree(model, tmp_path / "mute")
    (tmp_path / "mute" / "vocab.txt").unlink()
    with pytest.raises(ModelUnavailable, match="set CKIP_MODEL"):
        ckip.Ckip(str(tmp_path / "mute"))
