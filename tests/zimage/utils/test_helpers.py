from __future__ import annotations

import torch
from zimage.utils.helpers import draw_noise


def test_noise_is_float32_whatever_the_process_has_as_its_default():
    """Libraries set another default while they load a model, on another thread."""
    expected = draw_noise((1, 4), torch.Generator().manual_seed(7), torch.device("cpu"))
    torch.set_default_dtype(torch.bfloat16)
    try:
        drawn = draw_noise((1, 4), torch.Generator().manual_seed(7), torch.device("cpu"))
    finally:
        torch.set_default_dtype(torch.float32)
    assert drawn.dtype == torch.float32
    assert torch.equal(drawn, expected)
