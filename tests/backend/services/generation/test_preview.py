from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from backend.services.generation.preview import PreviewPixels, encode_preview


@pytest.mark.parametrize(("size", "shown"), [((2, 1), (256, 128)), ((16, 16), (256, 256)), ((64, 128), (128, 256))])
def test_a_preview_is_a_webp_with_a_longer_side_of_256(size, shown):
    width, height = size
    with Image.open(BytesIO(encode_preview(PreviewPixels(width, height, b"\xff\x80\x00" * width * height)))) as image:
        assert (image.format, image.size) == ("WEBP", shown)
        red, green, blue = image.convert("RGB").getpixel((10, 10))
    assert red > 240
    assert 100 < green < 160
    assert blue < 20


def test_a_preview_can_be_a_png():
    with Image.open(BytesIO(encode_preview(PreviewPixels(2, 1, b"\xff\x80\x00" * 2), "PNG"))) as image:
        assert (image.format, image.size) == ("PNG", (256, 128))
