"""Rotations: exact against the formula, relative, and known only up to the tables' limits."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from zimage.errors import ConfigError
from zimage.rope import axis_frequencies, rotate, rotations

DIMS, LENS, THETA = (32, 48, 48), (1536, 512, 512), 256.0


def rope(*places: tuple[int, int, int]) -> torch.Tensor:
    return rotations(torch.tensor([places]), DIMS, LENS, THETA)


def test_angles_follow_the_formula():
    [[turned]] = rope((7, 0, 3))
    expected = (
        [7 * THETA ** (-2 * k / 32) for k in range(16)] + [0.0] * 24 + [3 * THETA ** (-2 * k / 48) for k in range(24)]
    )
    assert torch.allclose(turned[:, 0], torch.tensor([math.cos(angle) for angle in expected]), atol=1e-6)
    assert torch.allclose(turned[:, 1], torch.tensor([math.sin(angle) for angle in expected]), atol=1e-6)


def test_rotation_at_the_largest_position_is_exact():
    angle = 1535 * float(axis_frequencies(32, THETA)[1])
    assert rope((1535, 511, 511))[0, 0, 1, 0].item() == pytest.approx(math.cos(angle), abs=1e-4)


@pytest.mark.parametrize("place", [(1536, 0, 0), (0, 512, 0), (0, 0, 512), (-1, 0, 0), (0, -1, 0)])
def test_positions_beyond_the_limits_are_refused(place):
    with pytest.raises(ConfigError, match=r"positions reach .*1535, 511, 511"):
        rope((0, 0, 0), place)


@settings(deadline=None, max_examples=30)
@given(*[st.integers(0, 200)] * 4)
def test_only_the_distance_of_two_places_counts(row, column, other_row, shift):
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 128, generator=generator, dtype=torch.float32)

    def product(first: tuple[int, int, int], second: tuple[int, int, int]) -> float:
        return float((rotate(query, rope(first)) * rotate(key, rope(second))).sum())

    here = product((0, row, column), (0, other_row, column))
    assert here == pytest.approx(product((0, row + shift, column), (0, other_row + shift, column)), abs=2e-3)


def test_real_and_complex_arithmetic_agree():
    from zimage.rope import _rotate_real

    x = torch.randn(2, 3, 4, 128, generator=torch.Generator().manual_seed(0))
    turns = rope((1, 2, 3), (4, 5, 6), (1535, 511, 511))
    assert torch.allclose(rotate(x, turns), _rotate_real(x, turns.unsqueeze(2)), atol=1e-6)


def test_rotation_keeps_the_dtype():
    assert rotate(torch.ones(1, 1, 1, 128, dtype=torch.bfloat16), rope((1, 1, 1))).dtype == torch.bfloat16
