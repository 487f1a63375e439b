"""Masks in pixels: grown, faded out, measured."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.masks import bounds, dilate, feather_mask, to_unit_mask
from zimage.errors import ConditionError


def square(value: int = 255, size: int = 60, at: tuple[int, int, int, int] = (25, 25, 35, 35)) -> Image.Image:
    mask = Image.new("L", (size, size))
    mask.paste(value, at)
    return mask


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 7, 20])
def test_dilation_is_the_largest_of_the_neighbours(radius):
    values = np.random.default_rng(0).integers(0, 255, (13, 17), np.uint8)
    expected = np.array(
        [
            [values[max(0, y - radius) : y + radius + 1, max(0, x - radius) : x + radius + 1].max() for x in range(17)]
            for y in range(13)
        ]
    )
    assert np.array_equal(dilate(values, radius), expected)


def test_without_a_feather_a_mask_is_hard():
    strengths, share = feather_mask(square(120), 0)
    assert sorted(set(np.asarray(strengths).ravel().tolist())) == [0, 120]
    assert sorted(set(np.asarray(share).ravel().tolist())) == [0, 255]


@pytest.mark.parametrize("feather_px", [2, 7, 16])
@pytest.mark.parametrize("value", [255, 120])
def test_a_feather_fades_outwards_and_ends(feather_px, value):
    strengths, share = (np.asarray(mask) for mask in feather_mask(square(value), feather_px))
    assert (share[25:35, 25:35] == 255).all()
    assert (strengths[25:35, 25:35] == value).all()
    outside = np.ones_like(share, bool)
    outside[25 - feather_px : 35 + feather_px, 25 - feather_px : 35 + feather_px] = False
    assert not share[outside].any()
    assert not strengths[outside].any()
    ramp = share[30, 34 : 35 + feather_px + 1].astype(int)
    assert (np.diff(ramp) <= 0).all()
    assert len(set(ramp.tolist())) >= feather_px // 2 + 2
    assert np.allclose(strengths[30, 35:], share[30, 35:] * (value / 255), atol=1)


def test_a_mask_smaller_than_its_feather_still_repaints():
    _, share = feather_mask(square(255, at=(30, 30, 31, 31)), 30)
    assert np.asarray(share)[30, 30] == 255


def test_a_feather_at_the_edge_of_the_image():
    _, share = feather_mask(square(255, at=(0, 0, 10, 60)), 8)
    assert (np.asarray(share)[:, :10] == 255).all()


def test_the_bounds_of_a_mask():
    assert bounds(square(1, at=(3, 4, 5, 6))) == (3, 4, 5, 6)
    with pytest.raises(ConditionError, match="black everywhere"):
        bounds(Image.new("L", (9, 9)))


def test_a_mask_as_a_tensor():
    tensor = to_unit_mask(square(51))
    assert tensor.shape == (1, 1, 60, 60)
    assert float(tensor.max()) == pytest.approx(0.2)
