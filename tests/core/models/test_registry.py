import numpy as np
import pytest

from core.config import RoundConfig
from core.errors import ModelUnavailable
from core.models.registry import build


def test_an_unknown_architecture_is_refused_by_name():
    with pytest.raises(ModelUnavailable) as caught:
        build("textcnn.v0", np.zeros((3, 4), dtype=np.float32), 2, RoundConfig())
    assert caught.value.fields["name"] == "textcnn.v0"
