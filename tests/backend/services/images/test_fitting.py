from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from backend.services.images.fitting import fit_image, grey_mask


def halves(width: int = 40, height: int = 20, mode: str = "RGB") -> Image.Image:
    """Black on the left, white on the right."""
    image = Image.new("L", (width, height), 0)
    image.paste(255, (width // 2, 0, width, height))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
@pytest.mark.parametrize("fit", ["stretch", "crop", "fill"])
@pytest.mark.parametrize("size", [(64, 64), (30, 80), (40, 20), (17, 5)])
def test_the_result_has_the_size_and_the_mode(mode, fit, size):
    result = fit_image(halves(mode=mode), size, fit)
    assert (result.size, result.mode) == (size, mode)


def test_the_same_size_is_the_same_image():
    image = halves()
    assert fit_image(image, (40, 20), "crop") is image


def test_stretching_bends_cropping_cuts_and_filling_goes_on():
    tall = (20, 40)
    stretched, cropped, filled = (
        np.asarray(fit_image(halves(mode="L"), tall, fit)) for fit in ("stretch", "crop", "fill")
    )
    assert stretched[:, 0].max() == 0
    assert stretched[:, -1].min() == 255
    assert cropped[20, 2] == 0
    assert cropped[20, 17] == 255
    assert (filled[0] == filled[15]).all()  # above the image its first row
    assert (filled[-1] == filled[24]).all()


def test_an_odd_rest_is_shared():
    filled = fit_image(halves(10, 10), (10, 13), "fill")
    assert filled.size == (10, 13)


def test_a_mask_is_brightness_or_opacity_and_can_be_turned_round():
    assert grey_mask(Image.new("RGB", (2, 2), "white")).getpixel((0, 0)) == 255
    assert grey_mask(Image.new("RGBA", (2, 2), (0, 0, 0, 90))).getpixel((0, 0)) == 90
    assert grey_mask(Image.new("L", (2, 2), 40), inverted=True).getpixel((0, 0)) == 215
