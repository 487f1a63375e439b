from __future__ import annotations

import pytest
from zimage.scheduler import linear_sigmas

from backend.models.recipe import count_forwards


@pytest.mark.parametrize(("steps", "forwards"), [(1, 1), (2, 1), (3, 2), (9, 8), (50, 49)])
def test_n_points_are_n_minus_one_forwards(steps, forwards):
    assert count_forwards(steps) == forwards == len(linear_sigmas(steps))
