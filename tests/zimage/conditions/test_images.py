"""Images of every mode and orientation, brought to upright RGB."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms
from zimage.conditions.images import alpha_mask, has_alpha, has_shape_of, to_mask, to_rgb, to_tensor
from zimage.errors import ConditionError

RED, GREEN, BLUE, GREY = (255, 0, 0), (0, 255, 0), (0, 0, 255), (90, 90, 90)
ORIENTATION = 0x0112
UPRIGHT_TO_STORED = {
    1: lambda p: p,
    2: lambda p: p[:, ::-1],
    3: lambda p: p[::-1, ::-1],
    4: lambda p: p[::-1],
    5: lambda p: p.swapaxes(0, 1),
    6: lambda p: p.swapaxes(0, 1)[::-1],
    7: lambda p: p.swapaxes(0, 1)[::-1, ::-1],
    8: lambda p: p.swapaxes(0, 1)[:, ::-1],
}


def corners(width: int = 48, height: int = 32) -> np.ndarray:
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[: height // 2, : width // 2], pixels[: height // 2, width // 2 :] = RED, GREEN
    pixels[height // 2 :, : width // 2], pixels[height // 2 :, width // 2 :] = BLUE, GREY
    return pixels


@pytest.mark.parametrize("orientation", UPRIGHT_TO_STORED)
def test_a_photo_stands_upright_however_it_was_held(orientation):
    stored = Image.fromarray(np.ascontiguousarray(UPRIGHT_TO_STORED[orientation](corners())))
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file = io.BytesIO()
    stored.save(file, "JPEG", exif=exif, quality=100, subsampling=0)

    upright = to_rgb(Image.open(file))

    assert upright.size == (48, 32)
    assert np.abs(np.asarray(upright).astype(int) - corners())[4:12, 4:20].max() <= 6
    for y, x in ((4, 4), (4, 44), (28, 4), (28, 44)):
        assert np.abs(np.asarray(upright)[y, x].astype(int) - corners()[y, x]).max() <= 6
    assert ORIENTATION not in upright.getexif()


@pytest.mark.parametrize(
    "mode", ["1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "HSV", "LA", "La", "PA", "RGBA", "RGBa"]
)
def test_every_mode_shows_the_same_grey(mode):
    value = 255 if mode == "1" else 100
    grey = Image.new("L", (5, 3), value)
    if mode == "PA":
        image = Image.merge("LA", (grey, Image.new("L", grey.size, 255))).convert("PA")
    elif mode == "La":
        image = grey.convert("LA").convert("La")
    elif mode == "RGBa":
        image = grey.convert("RGBA").convert("RGBa")
    else:
        image = (grey.convert("RGB") if mode in ("CMYK", "YCbCr", "HSV", "RGBX") else grey).convert(mode)
    assert image.mode == mode
    shown = to_rgb(image)
    assert (shown.mode, shown.size) == ("RGB", (5, 3))
    assert np.abs(np.asarray(shown).astype(int) - value).max() <= 2


@pytest.mark.parametrize(("mode", "dtype"), [("I;16", "<u2"), ("I;16B", ">u2"), ("I", "<i4")])
def test_sixteen_bits_are_not_cut_at_255(mode, dtype):
    values = np.array([[0, 257, 25700, 65535]], dtype)
    image = Image.frombytes(mode, (4, 1), values.tobytes())
    assert np.asarray(to_rgb(image))[0, :, 0].tolist() == [0, 1, 100, 255]


def test_a_png_of_sixteen_bits():
    file = io.BytesIO()
    Image.frombytes("I;16", (2, 2), np.array([[0, 32896], [65535, 514]], "<u2").tobytes()).save(file, "PNG")
    assert np.asarray(to_rgb(Image.open(file)))[..., 0].tolist() == [[0, 128], [255, 2]]


@pytest.mark.parametrize("scale", [1.0, 255.0])
def test_floats_count_to_1_or_to_255(scale):
    image = Image.fromarray(np.array([[0, 0.5, 1]], np.float32) * np.float32(scale))
    assert image.mode == "F"
    assert np.asarray(to_rgb(image))[0, :, 0].tolist() == [0, 128, 255]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.fromarray(np.array([[0, np.nan]], np.float32)), "NaN"),
        (Image.fromarray(np.array([[0, np.inf]], np.float32)), "infinity"),
        (Image.fromarray(np.array([[-1, 2]], np.float32)), "-1 to 2"),
        (Image.fromarray(np.array([[0, 300]], np.float32)), "300"),
        (Image.fromarray(np.array([[0, 70000]], np.int32)), "65535"),
        (Image.fromarray(np.array([[-1, 0]], np.int32)), "-1 to 0"),
        (Image.new("RGB", (0, 4)), "empty"),
    ],
)
def test_what_shows_nothing_is_refused(image, words):
    with pytest.raises(ConditionError, match=words):
        to_rgb(image)


def half_transparent() -> Image.Image:
    image = Image.new("RGBA", (4, 2), (*RED, 255))
    image.paste((*BLUE, 0), (2, 0, 4, 2))
    return image


def test_what_is_transparent_shows_the_background():
    assert np.asarray(to_rgb(half_transparent()))[0].tolist() == [[*RED]] * 2 + [[255, 255, 255]] * 2
    assert np.asarray(to_rgb(half_transparent(), (1, 2, 3)))[0, 3].tolist() == [1, 2, 3]


def test_a_palette_may_be_transparent():
    image = Image.new("P", (2, 1))
    image.putpalette([*RED, *BLUE])
    image.putdata([0, 1])
    image.info["transparency"] = 1
    assert has_alpha(image)
    assert np.asarray(to_rgb(image)).tolist() == [[[*RED], [255, 255, 255]]]


def test_what_is_transparent_can_be_the_mask():
    assert np.asarray(alpha_mask(half_transparent()))[0].tolist() == [0, 0, 255, 255]
    assert alpha_mask(Image.new("RGB", (2, 2))) is None
    assert alpha_mask(Image.new("RGBA", (2, 2), (1, 2, 3, 255))) is None


def test_strokes_on_nothing_are_a_mask():
    strokes = Image.new("RGBA", (4, 2), (255, 255, 255, 0))
    strokes.paste((255, 255, 255, 255), (0, 0, 1, 2))
    strokes.paste((255, 255, 255, 128), (1, 0, 2, 2))
    assert np.asarray(to_mask(strokes, (4, 2)))[0].tolist() == [255, 128, 0, 0]


def test_a_mask_of_another_size_is_resized_and_of_another_shape_refused():
    mask = Image.new("L", (6, 4))
    mask.putpixel((0, 0), 200)
    large = to_mask(mask, (12, 8))
    assert sorted(set(np.asarray(large).ravel().tolist())) == [0, 200]
    with pytest.raises(ConditionError, match=r"6×4.*4×6"):
        to_mask(mask, (4, 6))


@pytest.mark.parametrize(
    ("size", "other", "same"),
    [
        ((44, 304), (29, 203), True),  # 43.4 rounded
        ((440, 16), (293, 11), True),
        ((1000, 1000), (500, 504), True),
        ((1000, 1000), (500, 520), False),
        ((100, 200), (200, 100), False),
        ((1, 1), (1, 1), True),
    ],
)
def test_the_same_shape_but_for_rounding(size, other, same):
    assert has_shape_of(size, other) is has_shape_of(other, size) is same


def test_an_image_as_a_tensor():
    tensor = to_tensor(Image.fromarray(np.array([[[0, 255, 51]]], np.uint8)))
    assert tensor.shape == (1, 3, 1, 1)
    assert tensor.dtype == torch.float32
    assert torch.allclose(tensor.flatten(), torch.tensor([-1, 1, -0.6]))


def test_the_image_that_came_in_is_not_changed():
    image = Image.new("RGB", (2, 2))
    copy = to_rgb(image)
    copy.putpixel((0, 0), RED)
    assert image.getpixel((0, 0)) == (0, 0, 0)


def test_nothing_but_pixels_comes_through():
    image = Image.new("RGB", (2, 2))
    image.info.update(icc_profile=b"x", comment="where it was taken")
    assert to_rgb(image).info == {}


def test_a_colour_profile_is_applied_and_that_of_srgb_changes_no_byte():
    pixels = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    tagged = Image.fromarray(pixels)
    tagged.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(np.asarray(to_rgb(tagged)), pixels)
    swapped = tagged.info["icc_profile"].replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
    for old, new in ((b"rXYZ", b"tXYZ"), (b"bXYZ", b"rXYZ"), (b"tXYZ", b"bXYZ")):  # its red is our blue
        swapped = swapped.replace(old, new, 1)
    tagged.info["icc_profile"] = swapped
    assert np.abs(np.asarray(to_rgb(tagged)).astype(int) - pixels[..., ::-1]).max() <= 3
    tagged.info["icc_profile"] = b"broken"
    assert np.array_equal(np.asarray(to_rgb(tagged)), pixels)
