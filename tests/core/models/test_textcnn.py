import numpy as np
import torch

from core.config import RoundConfig
from core.models.textcnn import TextCNN
from core.text.batches import padded

VECTORS = np.random.default_rng(0).normal(size=(20, 300)).astype(np.float32)
VECTORS[0] = 0


def test_names_and_shapes_are_those_that_old_rounds_were_saved_with():
    shapes = {name: tuple(value.shape) for name, value in TextCNN(VECTORS, 9, RoundConfig()).state_dict().items()}
    assert shapes == {
        "vectors": (20, 300),
        "convolutions.0.weight": (128, 300, 2),
        "convolutions.0.bias": (128,),
        "convolutions.1.weight": (128, 300, 4),
        "convolutions.1.bias": (128,),
        "convolutions.2.weight": (128, 300, 8),
        "convolutions.2.bias": (128,),
        "hidden.weight": (512, 768),
        "hidden.bias": (512,),
        "output.weight": (9, 512),
        "output.bias": (9,),
    }


def test_a_document_of_even_length_is_pooled_as_the_paper_has_it():
    model = TextCNN(VECTORS, 3, RoundConfig(filters=5, hidden=7)).eval()
    row = np.array([3, 4, 5, 6, 3, 9])
    channels = model.vectors[torch.from_numpy(row)].T.unsqueeze(0)  # (1, D, T)
    pooled = []
    for conv in model.convolutions:
        seen = torch.relu(conv(torch.nn.functional.pad(channels, (0, conv.kernel_size[0] - 1))))
        pooled.append(torch.nn.functional.adaptive_max_pool1d(seen, 2)[0].T.flatten())  # chunk by chunk
    expected = torch.relu(model.hidden(torch.cat(pooled)))
    found = model.read(torch.from_numpy(padded([row], width=10)))[0]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
