"""Images brought to another size, and masks to a greyscale. Pure functions on Pillow images."""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image, ImageOps

Fit = Literal["stretch", "crop", "fill"]
"""What becomes of another aspect ratio: it is bent, what is too much is cut off, or the edge goes on."""


def fit_image(image: Image.Image, size: tuple[int, int], fit: Fit) -> Image.Image:
    """Returns an image of a size.

    Args:
        image: of the mode L, RGB or RGBA.
        size: width and height in pixels.
        fit: what becomes of another aspect ratio.
    """
    if image.size == size:
        return image
    if fit == "stretch":
        return image.resize(size, Image.Resampling.LANCZOS)
    if fit == "crop":
        return ImageOps.fit(image, size, Image.Resampling.LANCZOS)
    return _with_edges(ImageOps.contain(image, size, Image.Resampling.LANCZOS), size)


def _with_edges(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Repeats the outermost pixels of a smaller image around it."""
    margins = []
    for length, wanted in zip(reversed(image.size), reversed(size), strict=True):  # rows come first
        before = (wanted - length) // 2
        margins.append((before, wanted - length - before))
    pixels = np.asarray(image)
    if pixels.ndim > len(margins):
        margins.append((0, 0))
    return Image.fromarray(np.pad(pixels, margins, mode="edge"))


def grey_mask(image: Image.Image, *, inverted: bool = False) -> Image.Image:
    """Returns what an image means as a mask: its opacity if it is transparent anywhere, else its brightness.

    Args:
        image: of the mode L, RGB or RGBA, the last only where it is transparent.
        inverted: whether white and black change places.
    """
    grey = image.getchannel("A") if image.mode == "RGBA" else image.convert("L")
    return ImageOps.invert(grey) if inverted else grey
