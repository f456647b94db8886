import torch

from core.models.pooling import dynamic_max_pool


def test_each_document_is_cut_by_its_own_length():
    features = torch.arange(1.0, 13.0).view(2, 6, 1)
    pooled = dynamic_max_pool(features, torch.tensor([6, 3]), 2)
    # length 6: positions 0-2 and 3-5; length 3: ⌊t·2/3⌋ = 0, 0, 1
    assert pooled.tolist() == [[3.0, 6.0], [8.0, 9.0]]


def test_a_chunk_without_a_position_is_zero():
    features = torch.ones(2, 4, 3)
    pooled = dynamic_max_pool(features, torch.tensor([1, 0]), 2)
    assert pooled.tolist() == [[1, 1, 1, 0, 0, 0], [0] * 6]
