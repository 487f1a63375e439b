"""Previews: the latents of a running generation as a tiny image, encoded only for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image

SIDE_PX = 256
_OPTIONS = {"WEBP": {"quality": 75, "method": 0}, "PNG": {"compress_level": 1}}


@dataclass(frozen=True)
class PreviewPixels:
    """A tiny RGB picture: `data` has three bytes a pixel, row by row."""

    width_px: int
    height_px: int
    data: bytes


def encode_preview(pixels: PreviewPixels, file_format: Literal["WEBP", "PNG"] = "WEBP") -> bytes:
    """Returns an image file whose longer side has 256 pixels."""
    image = Image.frombytes("RGB", (pixels.width_px, pixels.height_px), pixels.data)
    scale = SIDE_PX / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BICUBIC
    )
    buffer = BytesIO()
    image.save(buffer, format=file_format, **_OPTIONS[file_format])
    return buffer.getvalue()
