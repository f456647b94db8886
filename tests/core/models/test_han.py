import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.config import RoundConfig
from core.models.han import HAN, split_sentences
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
VECTORS[0] = 0
CONFIG = RoundConfig(vector_size=6, han_hidden=4, sentence_tokens=3)
END = 19
BREAKS = np.arange(20) >= END


def cut(row: list[int], longest: int) -> list[list[int]]:
    """The sentences as one would cut them by hand."""
    sentences: list[list[int]] = [[]]
    for token in row:
        if len(sentences[-1]) == longest or (sentences[-1] and sentences[-1][-1] == END):
            sentences.append([])
        sentences[-1].append(token)
    return sentences


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.sampled_from([3, 4, END]), max_size=12), min_size=1, max_size=4),
    longest=st.integers(2, 5),
    extra=st.integers(0, 3),
)
def test_every_token_is_in_one_sentence_and_none_is_too_long(rows: list[list[int]], longest: int, extra: int):
    tokens = padded([np.array(row, dtype=np.int64) for row in rows], width=max([1, *map(len, rows)]) + extra)
    lengths = torch.tensor([len(row) for row in rows])
    found = split_sentences(torch.from_numpy(tokens == END), lengths, longest)
    flat = tokens.ravel()
    sentences = [flat[s : s + n].tolist() for s, n in zip(found.start, found.sizes, strict=True)]
    expected = [cut(row, longest) for row in rows]
    assert sentences == [one for document in expected for one in document]
    assert found.counts.tolist() == [len(document) for document in expected]


def test_equals_one_sentence_after_another():
    model = HAN(VECTORS, 2, CONFIG, breaks=BREAKS).eval()
    rows = [[3, 4, END, 5, 6, 7, 8, 9], [END], [3, 4, 5], [END, END, 4]]
    together = model.read(torch.from_numpy(padded([np.array(row) for row in rows], width=11)))
    for row, found in zip(rows, together, strict=True):
        parts = []
        for sentence in cut(row, 3):
            size = torch.tensor([len(sentence)])
            states = model.words(model.vectors[torch.tensor(sentence)].unsqueeze(0), size)
            parts.append(model.word_attention(states, torch.ones(1, len(sentence), dtype=torch.bool)))
        states = model.sentences(torch.stack(parts, dim=1), torch.tensor([len(parts)]))
        expected = model.sentence_attention(states, torch.ones(1, len(parts), dtype=torch.bool))
        torch.testing.assert_close(found, expected[0], atol=1e-6, rtol=1e-5)


def test_where_sentences_end_matters_and_is_saved_with_the_weights():
    with_ends, without = HAN(VECTORS, 2, CONFIG, breaks=BREAKS).eval(), HAN(VECTORS, 2, CONFIG).eval()
    tokens = torch.tensor([[3, END, 4, 5]])
    assert not torch.allclose(with_ends(tokens), without(tokens))
    without.load_state_dict(with_ends.state_dict())
    assert torch.equal(with_ends(tokens), without(tokens))


def test_the_published_width_is_100():
    assert HAN(np.zeros((3, 300), dtype=np.float32), 9, RoundConfig()).width == 100
