"""Previews: the latents of a running generation as a tiny image, encoded only for whoever looks."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from PIL import Image

SIDE_PX = 256


@dataclass(frozen=True)
class PreviewPixels:
    """A tiny RGB picture: `data` has three bytes a pixel, row by row."""

    width_px: int
    height_px: int
    data: bytes


def encode_preview(pixels: PreviewPixels) -> bytes:
    """Returns a WebP whose longer side has 256 pixels."""
    image = Image.frombytes("RGB", (pixels.width_px, pixels.height_px), pixels.data)
    scale = SIDE_PX / max(image.size)
    image = image.resize(
        (max(1, round(image.width * scale)), max(1, round(image.height * scale))), Image.Resampling.BICUBIC
    )
    buffer = BytesIO()
    image.save(buffer, format="WEBP", quality=75, method=0)
    return buffer.getvalue()
