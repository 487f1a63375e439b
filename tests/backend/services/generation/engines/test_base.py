from __future__ import annotations

import pytest

from backend.models.recipe import count_forwards
from backend.services.generation.engines.base import linear_sigmas


@pytest.mark.parametrize(("steps", "forwards"), [(1, 1), (2, 1), (3, 2), (9, 8), (50, 49)])
def test_n_points_are_n_minus_one_forwards(steps, forwards):
    assert count_forwards(steps) == forwards == len(linear_sigmas(steps))


@pytest.mark.parametrize("steps", range(1, 51))
def test_the_schedule_falls_evenly_from_one_and_leaves_zero_out(steps):
    sigmas = linear_sigmas(steps)
    assert sigmas[0] == 1
    assert sigmas == pytest.approx([1 - step / len(sigmas) for step in range(len(sigmas))])
    assert sigmas[-1] > 0


def test_turbos_eight_forwards():
    shifted = [3 * sigma / (1 + 2 * sigma) for sigma in linear_sigmas(9)]
    assert shifted == pytest.approx([1, 0.954545, 0.9, 0.833333, 0.75, 0.642857, 0.5, 0.3], abs=1e-6)
