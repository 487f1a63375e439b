"""Images of any mode as 8-bit colours or greys."""

from __future__ import annotations

import numpy as np
from PIL import Image

DEEP = ("I", "F")
"""Beginnings of the modes with more than 8 bits."""


def to_rgb(image: Image.Image, background: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """Returns an image of any mode as RGB; what is transparent lets a background through."""
    if image.mode.startswith(DEEP):
        return _to_eight_bits(image).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        drawn = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, (*background, 255)), drawn).convert("RGB")
    return image.convert("RGB")


def to_grey(image: Image.Image, background: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    """Returns an image of any mode as 8-bit greys."""
    return to_rgb(image, background).convert("L")


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """Scales 16-bit values, or what fits into 8 bits as it is."""
    values = np.asarray(image, dtype=np.float64)
    values = np.nan_to_num(values)
    is_deep = image.mode.startswith("I;16") or values.max(initial=0) > 255
    return Image.fromarray(np.clip(values / 257 if is_deep else values, 0, 255).round().astype(np.uint8))
