"""Label sets as sequences: the beam against all sequences there are, written out."""

from itertools import permutations

import numpy as np
import pytest
import torch

from core.encoders.decoder import BEGIN, END, FIRST, NONE, DecoderHead, sequences
from core.encoders.heads import draw
from core.encoders.reading import padded_hidden

VECTORS = [np.random.default_rng(n).normal(size=(n, 8)).astype(np.float32) for n in (5, 1, 3)]


def head_of(labels: int, *, seed: int = 0, sharp: float = 40.0) -> DecoderHead:
    head = DecoderHead(8, labels, mark_at_end=False)
    draw(head, seed)
    with torch.no_grad():
        head.output.weight.mul_(sharp)  # drawn weights alone would find all words alike
    return head.eval()


def scores_of(head: DecoderHead, n: int) -> dict[tuple[int, ...], float]:
    """The log-probability of each valid sequence of one text, word by word without a beam."""
    memory, start = head._read(*padded_hidden([VECTORS[n]]))
    labels = range(FIRST, FIRST + head.labels)
    every = [(NONE, END)] + [(*p, END) for k in range(1, head.labels + 1) for p in permutations(labels, k)]
    out = {}
    for words in every:
        state, before, total = start, BEGIN, 0.0
        for at, word in enumerate(words):
            found, state = head._step(torch.tensor([before]), memory, state)
            used = set(words[:at])
            if before == NONE:
                allowed = {END}
            else:
                allowed = set(labels) - used | ({NONE} if at == 0 else {END})
            masked = torch.full_like(found, -torch.inf)
            masked[:, sorted(allowed)] = found[:, sorted(allowed)]
            total += float(masked.log_softmax(dim=1)[0, word])
            before = word
        out[words] = total
    return out


@torch.no_grad()
@pytest.mark.parametrize("seed", range(4))
def test_with_two_labels_the_beam_is_all_there_is_and_sums_are_exact(seed: int, monkeypatch: pytest.MonkeyPatch):
    head = head_of(2, seed=seed)
    found = head.searched(*padded_hidden(VECTORS))
    for n in range(len(VECTORS)):
        every = scores_of(head, n)
        assert np.exp(list(every.values())).sum() == pytest.approx(1.0, abs=1e-5)
        best = max(every, key=lambda words: every[words])
        chosen = {FIRST + int(k) for k in torch.nonzero(found.sets[n, 0]).squeeze(1)}
        assert chosen == {word for word in best if word >= FIRST}
        assert float(found.covered[n]) == pytest.approx(
            np.exp(sorted(every.values())[-found.weights.shape[1] :]).sum(), abs=1e-4
        )
    assert torch.allclose(found.weights.sum(dim=1), torch.ones(len(VECTORS)))


@torch.no_grad()
@pytest.mark.parametrize("labels", [1, 3, 9])
def test_probabilities_are_sums_over_the_sequences_and_none_repeats(labels: int):
    head = head_of(labels)
    hidden, mask = padded_hidden(VECTORS)
    found = head.searched(hidden, mask)
    sums = (found.weights.unsqueeze(2) * found.sets).sum(dim=1)
    torch.testing.assert_close(torch.sigmoid(head(hidden, mask)), sums.clamp(1e-4, 1 - 1e-4), atol=1e-5, rtol=1e-4)
    assert ((found.covered > 0) & (found.covered <= 1 + 1e-5)).all()
    assert found.weights.shape[1] == min(5, labels + 1)
    assert torch.equal(head.decided(hidden, mask), found.sets[:, 0])


def test_sets_become_words_in_the_labels_order_and_an_empty_one_says_so():
    found = sequences(torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1]]))
    assert found.tolist() == [[3, 5, END, BEGIN], [NONE, END, BEGIN, BEGIN], [3, 4, 5, END]]


def test_an_empty_set_can_be_learned_and_is_found_again():
    head = head_of(3, sharp=1.0)
    hidden, mask = padded_hidden(VECTORS)
    targets = torch.tensor([[0.0, 0, 0], [1, 1, 1], [0, 1, 0]])
    adam = torch.optim.Adam(head.parameters(), lr=0.01)
    for _ in range(120):
        adam.zero_grad()
        head.loss(hidden, mask, targets).backward()
        adam.step()
    assert head.decided(hidden, mask).float().tolist() == targets.tolist()
    assert (torch.sigmoid(head(hidden, mask))[0] < 0.5).all()
