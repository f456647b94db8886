import numpy as np
import pytest
import torch
from torch import nn

from core.models.base import initialise
from core.models.bigru import BiGRU, blank


def test_equals_a_bidirectional_gru_over_packed_sequences():
    ours = BiGRU(6, 5)
    initialise(ours, 3)
    theirs = nn.GRU(6, 5, batch_first=True, bidirectional=True)
    state = dict(ours.ahead.state_dict())
    state |= {f"{name}_reverse": value for name, value in ours.back.state_dict().items()}
    theirs.load_state_dict(state)
    rows, lengths = torch.randn(4, 9, 6, generator=torch.Generator().manual_seed(0)), torch.tensor([9, 1, 4, 7])
    packed = nn.utils.rnn.pack_padded_sequence(rows, lengths, batch_first=True, enforce_sorted=False)
    expected, _ = nn.utils.rnn.pad_packed_sequence(theirs(packed)[0], batch_first=True)
    found = ours(rows, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length], atol=1e-6, rtol=1e-6)


@pytest.mark.parametrize("kind", [nn.GRU, nn.LSTM])
def test_a_blank_layer_draws_nothing(kind: type[nn.RNNBase]):
    before = torch.get_rng_state()
    layer = blank(kind, 3, 2)
    assert torch.equal(torch.get_rng_state(), before)
    initialise(layer, 0)
    assert np.isfinite(layer(torch.zeros(1, 2, 3))[0].detach().numpy()).all()
