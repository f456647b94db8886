"""What every head over an encoder must satisfy; a new one is tested by being in the registry."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import HEAD_ARCHS, SOFT_HEADS
from core.distill.reading import head_of as head_of_arch
from core.encoders.classifier import HEADS, Classifier, build_head, load_classifier, refuse_soft, save
from core.encoders.heads import Head, Pooled
from core.encoders.load import Encoder, assembled
from core.encoders.reading import padded_hidden
from core.encoders.scoring import HeadScorer, Reader
from core.encoders.training import HeadPlan, fit
from core.errors import (
    BadSetting,
    EncoderUnavailable,
    HeadNeedsEncoder,
    HeadNeedsHard,
    LabelWithoutPositives,
    ModelUnavailable,
    TooLittleMemory,
)
from core.steps import drained
from core.train.scoring import score_texts
from tests.core.encoders.making import TEXTS, network, tokenizer

every_head = pytest.mark.parametrize("name", sorted(HEADS))
KEYS = ("甲", "乙", "丙")
Y = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [1, 0, 1]], dtype=np.float32)
LENGTHS = (9, 1, 30, 2, 3, 17, 6)
WIDTH = 16
VECTORS = [np.random.default_rng(n).normal(size=(n, WIDTH)).astype(np.float32) for n in LENGTHS]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def small() -> Encoder:
    return assembled("small", network(), tokenizer())


def head_of(name: str, encoder: Encoder, *, labels: int = 3, seed: int = 0) -> Head:
    return build_head(name, encoder, labels, seed=seed).eval()


def classifier_of(name: str, *, kind: str = "albert") -> Classifier:
    encoder = assembled("small", network(kind), tokenizer())
    head = head_of(name, encoder)
    return Classifier(encoder=encoder, head=head, name=name, label_keys=KEYS, max_tokens=20)


def taught(classifier: Classifier, targets: np.ndarray, **settings: object) -> list[float]:
    plan = HeadPlan(head=classifier.name, **{"epochs": 3, "batch_size": 6, **settings})  # type: ignore[arg-type]
    return [at.loss for at in fit(classifier, TEXTS, targets, plan)]


def test_a_round_knows_each_head_by_its_name():
    assert [head_of_arch(arch) for arch in HEAD_ARCHS] == list(HEADS)
    assert {head_of_arch(arch) for arch in SOFT_HEADS} == {name for name, made in HEADS.items() if made.soft}
    with pytest.raises(HeadNeedsEncoder):
        head_of_arch("textcnn.v1")


@every_head
@pytest.mark.parametrize("labels", [1, 2, 3, 40])
def test_one_finite_logit_a_label(name: str, labels: int, small: Encoder):
    found = head_of(name, small, labels=labels)(*padded_hidden(VECTORS))
    assert found.shape == (len(VECTORS), labels)
    assert torch.isfinite(found).all()
    assert head_of(name, small, labels=labels).decided(*padded_hidden(VECTORS)).shape == found.shape


@every_head
@settings(max_examples=12, deadline=None)
@given(lengths=st.lists(st.integers(1, 12), min_size=1, max_size=5), extra=st.integers(0, 9))
def test_batched_equals_one_by_one_and_padding_is_inert(name: str, lengths: list[int], extra: int):
    head = head_of(name, assembled("small", network(), tokenizer()))
    rows = [np.random.default_rng(n).normal(size=(n, WIDTH)).astype(np.float32) for n in lengths]
    hidden, mask = padded_hidden(rows)
    wider = torch.nn.functional.pad(hidden, (0, 0, 0, extra)), torch.nn.functional.pad(mask, (0, extra))
    alone = torch.cat([head(*padded_hidden([row])) for row in rows])
    torch.testing.assert_close(head(*wider), alone, atol=1e-4, rtol=1e-4)


@every_head
def test_what_stands_past_the_end_is_never_read(name: str, small: Encoder):
    head = head_of(name, small)
    hidden, mask = padded_hidden(VECTORS)
    noise = torch.randn(hidden.shape, generator=torch.Generator().manual_seed(0)) * 9
    dirty = torch.where(mask.unsqueeze(2), hidden, noise)
    torch.testing.assert_close(head(dirty, mask), head(hidden, mask), atol=1e-5, rtol=1e-5)
    targets = torch.from_numpy(np.resize(Y, (len(VECTORS), 3)))
    torch.testing.assert_close(head.loss(dirty, mask, targets), head.loss(hidden, mask, targets))


@every_head
def test_the_seed_decides_the_start_and_the_global_one_is_left_alone(name: str, small: Encoder):
    before = torch.get_rng_state()
    first, again, other = head_of(name, small), head_of(name, small), head_of(name, small, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    for (key, one), (_, two), (_, three) in zip(
        first.named_parameters(), again.named_parameters(), other.named_parameters(), strict=True
    ):
        assert torch.equal(one, two)
        assert "bias" in key or not torch.equal(one, three), f"{key} is not drawn"


@every_head
def test_a_pooler_that_was_trained_stays_and_dropout_is_off_when_predicting(name: str):
    encoder = assembled("small", network("bert"), tokenizer(), pooler_known=True)
    head = head_of(name, encoder)
    assert encoder.pooler is not None
    if name in ("cls.v1", "denses.v1"):
        assert torch.equal(head.pooled.dense.weight, encoder.pooler[0])
    hidden, mask = padded_hidden(VECTORS)
    assert torch.equal(head(hidden, mask), head(hidden, mask))


@every_head
def test_each_real_token_of_the_text_gets_gradient_and_padding_none(name: str):
    """Through the encoder: what the head reads depends on every token."""
    classifier = classifier_of(name)
    rows = classifier.encoder.rows(TEXTS)
    embedded: list[torch.Tensor] = []
    layer = classifier.encoder.network.get_input_embeddings()
    handle = layer.register_forward_hook(lambda _m, _i, out: embedded.append(out) or out.retain_grad())
    hidden, mask = classifier.hidden(rows)
    classifier.head.loss(hidden, mask, torch.from_numpy(Y)).backward()
    handle.remove()
    assert embedded[0].grad is not None
    assert torch.equal(embedded[0].grad.abs().sum(dim=2) > 0, mask)


@every_head
def test_a_handful_of_texts_can_be_learned_by_heart(name: str):
    classifier = classifier_of(name)
    losses = taught(classifier, Y, epochs=150, head_lr=1e-2, lr=3e-3, weight_decay=0.0)
    assert losses[-1] < 0.25 * losses[0]
    hidden, mask = classifier.hidden(classifier.encoder.rows(TEXTS))
    assert classifier.head.decided(hidden, mask).numpy().astype(int).tolist() == Y.astype(int).tolist()
    assert ((classifier.logits(TEXTS) > 0) == (Y > 0)).all()


@every_head
def test_training_depends_on_the_seed_alone_and_leaves_the_global_one_alone(name: str):
    before = torch.get_rng_state()
    one, two, other = classifier_of(name), classifier_of(name), classifier_of(name)
    assert taught(one, Y) == taught(two, Y)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(one.logits(TEXTS), two.logits(TEXTS))
    taught(other, Y, seed=1)
    assert not np.array_equal(one.logits(TEXTS), other.logits(TEXTS))


@every_head
def test_frozen_the_encoder_stays_and_kept_vectors_teach_the_same(name: str):
    asked, kept = classifier_of(name), classifier_of(name)
    before = asked.encoder.digest
    plan = HeadPlan(head=name, epochs=2, batch_size=3, frozen=True)
    rows = kept.encoder.rows(TEXTS)
    with torch.no_grad():
        vectors = [kept.hidden([row])[0][0].numpy() for row in rows]
    first = [at.loss for at in fit(asked, TEXTS, Y, plan)]
    second = [at.loss for at in fit(kept, TEXTS, Y, plan, vectors=vectors)]
    assert first == pytest.approx(second, abs=1e-5)
    assert assembled("after", asked.encoder.network, asked.encoder.tokenizer).digest == before


@every_head
def test_probabilities_are_learned_or_refused_with_what_can(name: str):
    soft = np.full(Y.shape, 0.3, dtype=np.float32)
    if not HEADS[name].soft:
        with pytest.raises(HeadNeedsHard) as error:
            taught(classifier_of(name), soft)
        assert all(HEADS[each.strip()].soft for each in error.value.fields["known"].split(","))
        return
    classifier = classifier_of(name)
    for layer in classifier.head.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0  # the law is about what the loss asks for
    taught(classifier, soft, epochs=200, head_lr=3e-3, frozen=True, weight_decay=0.0)
    found = 1 / (1 + np.exp(-classifier.logits(TEXTS)))
    np.testing.assert_allclose(found, 0.3, atol=0.08)


@every_head
@pytest.mark.parametrize("kind", ["albert", "xlnet"])
def test_saved_and_loaded_it_gives_the_same_logits(name: str, kind: str, tmp_path: Path):
    classifier = classifier_of(name, kind=kind)
    save(tmp_path / "model", classifier)
    other = load_classifier(tmp_path / "model")
    assert other.label_keys == KEYS
    np.testing.assert_allclose(other.logits(TEXTS), classifier.logits(TEXTS), atol=1e-6)


@pytest.mark.parametrize("damage", ["absent", "cut", "other"])
def test_a_damaged_head_is_an_error_in_words(damage: str, tmp_path: Path):
    save(tmp_path / "model", classifier_of("cls.v1"))
    path = tmp_path / "model" / "head.safetensors"
    if damage == "absent":
        path.unlink()
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:-9])
    else:
        (tmp_path / "model" / "classifier.json").write_text(
            '{"head": "textcnn.v1", "label_keys": ["a"], "max_tokens": 9}'
        )
    with pytest.raises(EncoderUnavailable) as error:
        load_classifier(tmp_path / "model")
    assert error.value.fields["why"] == "corrupt"


def test_what_cannot_be_trained_is_refused(small: Encoder, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadSetting):
        build_head("other.v1", small, 3)
    with pytest.raises(BadSetting):
        build_head("cls.v1", small, 0)
    with pytest.raises(LabelWithoutPositives) as error:
        taught(classifier_of("cls.v1"), Y * [1, 1, 0])
    assert "丙" in error.value.fields["labels"]
    refuse_soft("seq2seq.v1", Y)
    monkeypatch.setattr("core.encoders.memory.bytes_free", lambda device: 1000)
    with pytest.raises(TooLittleMemory):
        taught(classifier_of("cls.v1"), Y)


@pytest.mark.parametrize(("at_end", "place"), [(False, 0), (True, -1)])
def test_the_mark_is_pooled_wherever_it_stands(at_end: bool, place: int):
    pooled = Pooled(WIDTH, mark_at_end=at_end)
    expected = torch.stack([torch.from_numpy(each[place]) for each in VECTORS])
    torch.testing.assert_close(pooled(*padded_hidden(VECTORS)), torch.tanh(pooled.dense(expected)))


@every_head
def test_scored_in_a_stream_by_threads_it_says_the_same(name: str):
    """Chunks, batches and lanes change nothing; the tokenizer is shared."""
    classifier = classifier_of(name)
    texts = [text * (1 + n % 3) for n, text in enumerate(TEXTS * 60)]
    found = drained(score_texts(HeadScorer(classifier), Reader(classifier), iter(texts), lanes=2))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-classifier.logits(texts))), atol=1e-5)


def test_a_weight_that_is_no_number_is_refused_before_scoring():
    classifier = classifier_of("cls.v1")
    with torch.no_grad():
        classifier.head.get_parameter("output.bias")[0] = float("nan")
    with pytest.raises(ModelUnavailable):
        HeadScorer(classifier)


@pytest.mark.parametrize("name", sorted(name for name, made in HEADS.items() if made.soft))  # others learn words
def test_another_loss_takes_the_place_of_the_heads_own(name: str):
    own, other = classifier_of(name), classifier_of(name)
    plan = HeadPlan(head=name, epochs=2, batch_size=6, frozen=True)
    plain = [at.loss for at in fit(own, TEXTS, Y, plan)]
    same = [at.loss for at in fit(other, TEXTS, Y, plan, objective=binary_cross_entropy)]
    assert same == pytest.approx(plain, abs=1e-6)
    half = [at.loss for at in fit(classifier_of(name), TEXTS, Y, plan, objective=lambda z, y: 0.5 * (z - y) ** 2)]
    assert half[0] != pytest.approx(plain[0], abs=1e-3)


def binary_cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
