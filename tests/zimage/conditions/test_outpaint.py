"""More canvas: the old image stays, and what is around it goes on from there."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.outpaint import Margins, default_overlap, extend_image, extend_mask
from zimage.errors import ConditionError


def noisy(width: int = 60, height: int = 40) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))


SIDES = [Margins(top=20), Margins(right=30), Margins(bottom=1), Margins(left=25), Margins(5, 6, 7, 8)]


@pytest.mark.parametrize("margins", SIDES)
def test_the_old_image_is_in_its_place(margins):
    old = noisy()
    new = extend_image(old, margins)
    assert new.size == (60 + margins.left + margins.right, 40 + margins.top + margins.bottom)
    box = (margins.left, margins.top, margins.left + 60, margins.top + 40)
    assert np.array_equal(np.asarray(new.crop(box)), np.asarray(old))
    mask = extend_mask(None, old.size, margins)
    assert mask.size == new.size
    assert mask.crop(box).getbbox() is None
    assert (np.asarray(mask) == 255).sum() == new.width * new.height - 60 * 40


def test_a_constant_image_goes_on_as_a_constant():
    new = extend_image(Image.new("RGB", (50, 50), (10, 200, 77)), Margins(40, 40, 40, 40))
    assert np.abs(np.asarray(new).astype(int) - (10, 200, 77)).max() <= 1


def test_one_odd_pixel_at_the_edge_makes_no_streak():
    old = Image.new("RGB", (200, 200), (100, 100, 100))
    old.putpixel((199, 50), (255, 255, 255))
    new = np.asarray(extend_image(old, Margins(right=50)))
    assert new[50, 199].tolist() == [255, 255, 255]
    assert new[:, 200:].max() < 110


def test_streaks_fade_with_the_distance():
    new = np.asarray(extend_image(noisy(160, 160), Margins(right=200))).astype(float)
    rough = [np.abs(np.diff(new[:, x], axis=0)).mean() for x in (150, 164, 200, 320)]
    assert rough[0] > 5 * rough[1]
    assert rough[1] > rough[2] > rough[3]


def test_a_mask_is_kept_beside_the_margins():
    mask = Image.new("L", (60, 40))
    mask.paste(99, (0, 0, 10, 10))
    new = np.asarray(extend_mask(mask, mask.size, Margins(left=5)))
    assert (new[:, :5] == 255).all()
    assert (new[:10, 5:15] == 99).all()
    assert not new[:, 15:].any()


@pytest.mark.parametrize("sides", [(0, 0, 0, 0), (-1, 2, 0, 0)])
def test_margins_add_something(sides):
    with pytest.raises(ConditionError, match="margins"):
        Margins(*sides)


def test_the_overlap_leaves_most_of_a_small_image():
    assert default_overlap((1024, 768)) == 32
    assert default_overlap((40, 400)) == 10
