from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from backend.services.generation.preview import (
    FLUX_VAE_MAP,
    PreviewMap,
    PreviewPixels,
    encode_preview,
    parse_preview_map,
)


def test_a_map_is_read():
    assert parse_preview_map({"rows": [[1, 2, 3], [4, 5, 6.5]], "offset": [0, 0, -1]}) == PreviewMap(
        rows=((1.0, 2.0, 3.0), (4.0, 5.0, 6.5)), offset=(0.0, 0.0, -1.0)
    )


@pytest.mark.parametrize(
    "value", [{}, [], 3, {"rows": []}, {"rows": [[1, 2]], "offset": [0, 0, 0]}, {"rows": 3, "offset": [0, 0, 0]},
              {"rows": [["x", 2, 3]], "offset": [0, 0, 0]}]
)  # fmt: skip
def test_anything_else_is_none(value):
    with pytest.raises(ValueError, match=r"preview map|could not convert|unpack"):
        parse_preview_map(value)


def test_the_map_of_the_published_models_has_their_channels():
    assert len(FLUX_VAE_MAP.rows) == 16


@pytest.mark.parametrize(("size", "shown"), [((2, 1), (256, 128)), ((16, 16), (256, 256)), ((64, 128), (128, 256))])
def test_a_preview_is_a_webp_with_a_longer_side_of_256(size, shown):
    width, height = size
    with Image.open(BytesIO(encode_preview(PreviewPixels(width, height, b"\xff\x80\x00" * width * height)))) as image:
        assert (image.format, image.size) == ("WEBP", shown)
        red, green, blue = image.convert("RGB").getpixel((10, 10))
    assert red > 240
    assert 100 < green < 160
    assert blue < 20
