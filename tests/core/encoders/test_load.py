"""Any encoder from a folder, and what is said where it cannot be had."""

import json
import sys
from pathlib import Path

import pytest
import torch

from core import messages
from core.encoders import memory
from core.encoders.load import OURS, load
from core.encoders.reading import batch_of, checkpoint_layers, hidden_of
from core.errors import EncoderUnavailable, TooLittleMemory
from tests.core.encoders.making import TEXTS, folder

KINDS = ("albert", "bert", "roberta", "xlnet")


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("encoders")
    return {kind: folder(place / kind, kind) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoder_of_any_form_reads_a_text_alike_alone_and_among_others(kind: str, folders: dict[str, Path]):
    encoder = load(str(folders[kind]))
    rows = encoder.rows(TEXTS)
    with torch.no_grad():
        together = hidden_of(encoder.network, batch_of(rows, encoder.pad, width=30))
        for n, row in enumerate(rows):
            alone = hidden_of(encoder.network, batch_of([row], encoder.pad))
            torch.testing.assert_close(together[n, : len(row)], alone[0], atol=1e-5, rtol=1e-5)
            assert not together[n, len(row) :].any()
    assert together.shape == (len(TEXTS), 30, encoder.width)
    assert encoder.digest == load(str(folders[kind])).digest


def test_texts_are_cut_and_a_mark_that_somebody_typed_is_no_mark(folders: dict[str, Path]):
    encoder = load(str(folders["albert"]))
    (cut,) = encoder.rows(["高血壓患者應該注意"], max_tokens=5)
    cls, sep = encoder.tokenizer.cls_token_id, encoder.tokenizer.sep_token_id
    assert len(cut) == 5
    assert (cut[0], cut[-1]) == (cls, sep)
    (typed,) = encoder.rows(["[SEP] [PAD]"])
    assert typed[1:-1].tolist().count(sep) == 0
    assert encoder.pad not in typed
    assert encoder.rows([]) == []
    assert [len(row) for row in encoder.rows(["", " "])] == [2, 2]
    assert max(map(len, encoder.rows(["糖" * 500]))) == encoder.longest == 40


def test_an_encoder_of_ones_own_reads_the_characters_it_was_trained_on(folders: dict[str, Path], tmp_path: Path):
    place = folder(tmp_path / "own", characters="高血压")
    (place / OURS).write_text(json.dumps({"conversion": "t2s"}))
    (row,) = load(str(place)).rows(["高血壓"])
    assert load(str(place)).tokenizer.unk_token_id not in row
    (place / OURS).write_text("{")
    with pytest.raises(EncoderUnavailable) as error:
        load(str(place))
    assert error.value.fields["why"] == "corrupt"


def damaged(place: Path, name: str) -> str:
    """One of the ways in which a folder is wrong; gives what to load."""
    if name == "no_folder":
        return str(place / "absent")
    if name == "network":
        return "nobody/has-this"
    weights = place / "model.safetensors"
    if name == "no_config":
        (place / "config.json").unlink()
    elif name == "no_weights":
        weights.unlink()
    elif name == "corrupt":
        weights.write_bytes(weights.read_bytes()[:-200])
    elif name == "incomplete":
        from safetensors.torch import load_file, save_file

        kept = {key: value for key, value in load_file(weights).items() if "ffn" not in key}
        save_file(kept, weights, metadata={"format": "pt"})
    elif name == "tokenizer":
        folder(place.parent / "other", characters="".join(map(chr, range(0x4E00, 0x4F00))), vocab=300)
        for each in place.parent.joinpath("other").glob("tokenizer*"):
            (place / each.name).write_bytes(each.read_bytes())
    return str(place)


@pytest.mark.parametrize(
    "why", ["no_folder", "network", "no_config", "no_weights", "corrupt", "incomplete", "tokenizer"]
)
def test_what_cannot_be_loaded_says_why_and_what_to_do(why: str, tmp_path: Path):
    name = damaged(folder(tmp_path / "encoder"), why)
    with pytest.raises(EncoderUnavailable) as error:
        load(name, offline=True)
    assert error.value.fields["why"] == why
    for lang in messages.LANGS:
        said = messages.sentence(error.value, lang)
        assert name in said
        assert "Traceback" not in said
        assert said != messages.say("EncoderUnavailable", {"name": name, "why": ""}, lang)


def test_a_tokenizer_without_its_vocabulary_does_not_fit(tmp_path: Path):
    with pytest.raises(EncoderUnavailable) as error:
        load(str(folder(tmp_path / "encoder", characters="")))
    assert error.value.fields["why"] == "tokenizer"


def test_without_the_package_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(EncoderUnavailable) as error:
        load("anything/at-all")
    assert "requirements-transformers.txt" in messages.sentence(error.value, "zh")
    assert "requirements-transformers.txt" in messages.sentence(error.value, "en")


def test_too_little_memory_is_refused_before_anything_is_read(folders: dict[str, Path], monkeypatch):
    monkeypatch.setattr(memory, "bytes_free", lambda device: 3 * 2**20)
    with pytest.raises(TooLittleMemory) as error:
        load(str(folders["albert"]), batch=4096, tokens=512)
    assert error.value.fields["have_mb"] == 3
    assert error.value.fields["need_mb"] > 3
    assert str(error.value.fields["need_mb"]) in messages.sentence(error.value, "en")
    load(str(folders["albert"]), batch=1, tokens=8, learning=False)


def test_the_estimate_grows_with_what_is_asked_and_checkpointing_lowers_it(folders: dict[str, Path]):
    settings = load(str(folders["bert"])).network.config
    assert memory.parameters_of(settings) > 0

    def need(**changes: object) -> int:
        asked = {"batch": 8, "tokens": 100, "learning": True, **changes}
        return memory.bytes_needed(settings, 10_000, **asked)  # type: ignore[arg-type]

    assert need(learning=False) < need(checkpointing=True) < need() < need(batch=16) < need(batch=16, tokens=200)


@pytest.mark.parametrize("kind", ["albert", "bert"])
def test_checkpointed_layers_give_the_same_gradients(kind: str, folders: dict[str, Path]):
    found = []
    for again in (False, True):
        encoder = load(str(folders[kind]))
        encoder.network.train()
        if again:
            checkpoint_layers(encoder)
        hidden_of(encoder.network, batch_of(encoder.rows(TEXTS), encoder.pad)).square().sum().backward()
        found.append({name: value.grad for name, value in encoder.network.named_parameters()})
    for name, value in found[0].items():
        if value is not None:
            torch.testing.assert_close(found[1][name], value, atol=1e-5, rtol=1e-4)
