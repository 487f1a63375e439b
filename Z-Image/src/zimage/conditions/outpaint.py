"""More canvas around an image, filled so that a model can go on from there."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from PIL import Image, ImageFilter

from zimage.conditions.masks import dilate
from zimage.errors import ConditionError

OVERLAP_PX = 32
"""How far the new image reaches into the old one, fading, unless told otherwise."""
MAX_OVERLAP = 0.25
"""Of the old image's shorter side."""
BLUR = 0.25
"""Radius of the blur, of the widest new side: streaks of the edge turn into a soft ground."""
FADE_PX = 64
"""From the old edge to where the ground is all blurred."""


@dataclass(frozen=True)
class Margins:
    """Pixels to add on each side."""

    top: int = 0
    right: int = 0
    bottom: int = 0
    left: int = 0

    def __post_init__(self) -> None:
        """Validates the margins."""
        if min(astuple(self)) < 0 or not any(astuple(self)):
            raise ConditionError(f"margins must be 0 or more, and one of them more than 0, got {astuple(self)}")

    def size_around(self, size: tuple[int, int]) -> tuple[int, int]:
        """Returns width and height of an image with these margins."""
        return size[0] + self.left + self.right, size[1] + self.top + self.bottom


def default_overlap(size: tuple[int, int]) -> int:
    """Returns the overlap in pixels for an image of this width and height."""
    return min(OVERLAP_PX, int(min(size) * MAX_OVERLAP))


def extend_image(image: Image.Image, margins: Margins) -> Image.Image:
    """Returns an RGB image with margins: its edge goes on, and is the more blurred the farther away it is."""
    around = ((margins.top, margins.bottom), (margins.left, margins.right), (0, 0))
    extended = Image.fromarray(np.pad(np.asarray(image), around, mode="edge"))
    blurred = extended.filter(ImageFilter.GaussianBlur(max(4.0, BLUR * max(astuple(margins)))))
    ground = Image.composite(blurred, extended, _distance(image.size, margins))
    ground.paste(image, (margins.left, margins.top))
    return ground


def extend_mask(mask: Image.Image | None, size: tuple[int, int], margins: Margins) -> Image.Image:
    """Returns a mask that is white in the margins.

    Args:
        mask: of the old image; None to keep all of it.
        size: width and height of the old image.
        margins: that were added.
    """
    old = Image.new("L", size, 0) if mask is None else mask
    extended = Image.new("L", margins.size_around(size), 255)
    extended.paste(old, (margins.left, margins.top))
    return extended


def _distance(size: tuple[int, int], margins: Margins) -> Image.Image:
    """Returns 0 at the old image and 255 from `FADE_PX` on."""
    old = np.zeros(margins.size_around(size)[::-1], np.uint8)
    old[margins.top : margins.top + size[1], margins.left : margins.left + size[0]] = 255
    near = Image.fromarray(dilate(old, FADE_PX // 2)).filter(ImageFilter.BoxBlur(FADE_PX // 2))
    return near.point([255 - value for value in range(256)])
