import numpy as np
import torch

from core.config import RoundConfig
from core.models.textcnn import TextCNN
from core.models.textcnn_att import TextCNNAtt
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
VECTORS[0] = 0
CONFIG = RoundConfig(vector_size=6, filters=4, hidden=5)


def test_each_label_reads_its_own_positions():
    model = TextCNNAtt(VECTORS, 3, CONFIG).eval()
    row = np.array([3, 4, 5, 6, 3])
    channels = model.vectors[torch.from_numpy(row)].T.unsqueeze(0)  # (1, D, T)
    maps = [
        torch.relu(conv(torch.nn.functional.pad(channels, (0, conv.kernel_size[0] - 1))))[0].T
        for conv in model.convolutions
    ]
    states = torch.cat(maps, dim=1)  # (T, 3F)
    hidden = torch.tanh(states @ model.attention.project.weight.T)  # (T, A)
    for label, found in enumerate(model(torch.from_numpy(padded([row], width=9)))[0]):
        weights = torch.softmax(hidden @ model.attention.queries.weight[label], 0)
        expected = (weights @ states) @ model.output.weight[label] + model.output.bias[label]
        torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)


def test_labels_share_the_convolutions_and_nothing_else():
    model = TextCNNAtt(VECTORS, 3, CONFIG).eval()
    model(torch.tensor([[3, 4, 5]]))[0, 1].backward()
    for part in (model.attention.queries.weight, model.output.weight, model.output.bias):
        assert part.grad is not None
        assert [bool(row.any()) for row in part.grad] == [False, True, False]


def test_the_convolutions_are_shaped_and_named_as_those_of_textcnn():
    plain, attended = TextCNN(VECTORS, 3, CONFIG), TextCNNAtt(VECTORS, 3, CONFIG)
    shapes = {name: value.shape for name, value in attended.state_dict().items()}
    for name, value in plain.state_dict().items():
        if name.startswith("convolutions"):
            assert shapes[name] == value.shape


def test_an_empty_document_is_its_labels_biases():
    model = TextCNNAtt(VECTORS, 3, CONFIG).eval()
    assert torch.equal(model(torch.tensor([[0, 0], [3, 0]]))[0], model.output.bias)
