"""Images of every mode as colours and greys."""

import numpy as np
import pytest
from PIL import Image
from zimage.conditions.modes import to_grey, to_rgb

RED = (255, 0, 0)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16"])
def test_every_mode_becomes_colours_of_the_same_size(mode):
    source = Image.new("RGB", (7, 5), (200, 200, 200))
    if mode == "I;16":
        image = Image.fromarray(np.full((5, 7), 200 * 257, dtype=np.uint16))
    else:
        image = source.convert("L").convert(mode) if mode in ("LA", "I", "F") else source.convert(mode)
    rgb, grey = to_rgb(image), to_grey(image)
    assert (rgb.mode, rgb.size, grey.mode, grey.size) == ("RGB", (7, 5), "L", (7, 5))
    if mode not in ("1", "P", "LAB"):  # which are dithered, or in colours of their own
        assert np.abs(np.asarray(rgb).astype(int) - 200).max() <= 2


def test_transparency_lets_the_background_through():
    image = Image.new("RGBA", (2, 1), (*RED, 255))
    image.putpixel((1, 0), (*RED, 0))
    assert list(to_rgb(image).get_flattened_data()) == [RED, (0, 0, 0)]
    assert list(to_rgb(image, (255, 255, 255)).get_flattened_data()) == [RED, (255, 255, 255)]


def test_a_palette_with_a_transparent_entry_lets_it_through():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 255, 0])
    image.putpixel((1, 0), 1)
    image.info["transparency"] = 1
    assert list(to_rgb(image).get_flattened_data()) == [RED, (0, 0, 0)]


def test_deep_greys_keep_their_brightness():
    deep = Image.fromarray(np.array([[0, 32896, 65535]], dtype=np.uint16))
    assert list(to_grey(deep).get_flattened_data()) == [0, 128, 255]
    shallow = Image.fromarray(np.array([[0, 128, 255]], dtype=np.int32))
    assert list(to_grey(shallow).get_flattened_data()) == [0, 128, 255]


def test_values_that_are_no_numbers_are_black():
    image = Image.fromarray(np.array([[np.nan, 255.0]], dtype=np.float32))
    assert list(to_grey(image).get_flattened_data()) == [0, 255]
