import pytest
import torch
from training.nano.layout import SHIFT
from training.nano.transformer.training import noise_levels


def test_noise_levels_are_spread_as_the_schedule_of_that_shift():
    sigma = noise_levels(4000, shift=3.0)
    assert float(sigma.min()) > 0
    assert float(sigma.max()) < 1
    assert float((sigma > 0.75).float().mean()) == pytest.approx(0.5, abs=0.01)  # 3 / 2 / (1 + 2 / 2) in the middle


def test_a_larger_shift_gives_more_noise():
    torch.manual_seed(0)
    usual = noise_levels(64)
    torch.manual_seed(0)
    assert (noise_levels(64, 4 * SHIFT) > usual).all()
