"""What is drawn of an image: never stretched, and back at its place."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.window import MAX_ZOOM, Window, whole_window, window_around


def grid_pattern(width: int, height: int, pitch: int = 8) -> Image.Image:
    y, x = np.mgrid[:height, :width]
    lines = ((x % pitch == 0) | (y % pitch == 0)).astype(np.uint8) * 255
    return Image.fromarray(np.stack([lines, 255 - lines, (x % 256).astype(np.uint8)], -1))


def test_an_image_that_lacks_less_than_the_multiple_is_padded_and_not_scaled():
    image = grid_pattern(333, 517)
    window = whole_window(image.size, (336, 528), 16)
    drawn = window.cut(image)
    assert (window.box, drawn.size) == ((0, 0, 336, 528), (336, 528))
    assert np.array_equal(np.asarray(drawn)[:517, :333], np.asarray(image))
    assert (np.asarray(drawn)[:, 333:] == np.asarray(drawn)[:, 332:333]).all()
    part, box = window.back(drawn, image.size)
    assert box == (0, 0, 333, 517)
    assert np.array_equal(np.asarray(part), np.asarray(image))


@pytest.mark.parametrize("size", [(333, 517), (1000, 40), (90, 1024), (512, 512)])
@pytest.mark.parametrize("drawn", [(256, 256), (384, 256)])
def test_another_image_is_scaled_as_much_in_both_directions(size, drawn):
    window = whole_window(size, drawn, 32)
    width, height = window.box_size
    assert width >= size[0]
    assert height >= size[1]
    assert width / drawn[0] == pytest.approx(height / drawn[1], rel=0.02)
    assert width == size[0] or height == size[1]
    image = Image.new("RGB", size, (7, 8, 9))
    back, box = window.back(window.cut(image), size)
    assert box == (0, 0, *size)
    assert np.array_equal(np.asarray(back), np.asarray(image))


@pytest.mark.parametrize(
    "box", [(0, 0, 4, 4), (296, 196, 300, 200), (140, 90, 160, 110), (0, 50, 300, 60), (7, 0, 8, 1)]
)
def test_a_window_lies_in_the_image_and_holds_the_box(box):
    window = window_around(box, (300, 200), (256, 256), 16)
    left, top, right, bottom = window.box
    assert left <= box[0] <= box[2] <= right
    assert top <= box[1] <= box[3] <= bottom
    assert right - left == pytest.approx(bottom - top, abs=1)
    if right - left <= 200:
        assert min(left, top) >= 0
        assert right <= 300
        assert bottom <= 200
    assert right - left >= 256 / MAX_ZOOM


def test_a_window_larger_than_the_image_goes_on_with_its_edge():
    image = grid_pattern(40, 100)
    window = window_around((0, 0, 40, 100), image.size, (128, 128), 0)
    assert window.box == (-30, 0, 70, 100)
    part = np.asarray(Window(window.box, window.box_size).cut(image))
    assert (part[:, :30] == part[:, 30:31]).all()
    assert np.array_equal(part[:, 30:70], np.asarray(image))


def test_a_mask_that_shrinks_loses_no_white_and_gets_no_new_grey():
    mask = Image.new("L", (1000, 1000))
    mask.putpixel((501, 333), 255)
    mask.paste(100, (0, 0, 3, 3))
    small = Window((0, 0, 1000, 1000), (128, 128)).cut_mask(mask)
    assert sorted(set(np.asarray(small).ravel().tolist())) == [0, 100, 255]
    assert np.asarray(small)[333 * 128 // 1000, 501 * 128 // 1000] == 255


@pytest.mark.parametrize("box", [(10, 20, 60, 70), (-5, -3, 45, 47), (80, 60, 130, 110)])
def test_what_is_drawn_comes_back_at_its_place(box):
    part, inside = Window(box, (100, 100)).back(grid_pattern(100, 100), (100, 80))
    assert inside == (max(0, box[0]), max(0, box[1]), min(100, box[2]), min(80, box[3]))
    assert part.size == (inside[2] - inside[0], inside[3] - inside[1])
    small = grid_pattern(100, 100).resize((50, 50), Image.Resampling.BICUBIC)
    start = (inside[0] - box[0], inside[1] - box[1])
    assert np.array_equal(np.asarray(part), np.asarray(small)[start[1] :, start[0] :][: part.height, : part.width])
