"""More canvas around an image, filled so that a model can go on from there."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

import numpy as np
from PIL import Image, ImageFilter

from zimage.conditions.masks import dilate
from zimage.errors import ConditionError

OVERLAP_PX = 32
"""How far the new image reaches into the old one, fading, unless told otherwise."""
MAX_OVERLAP = 0.25
"""Of the old image's shorter side."""
COARSE = 4
"""Pixels of the canvas along one of the ground."""
EDGE = 0.02
"""Radius of the blur of the edge that goes on, of the old image's shorter side: one odd pixel makes no streak."""
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
    ground = _ground(image, margins)
    ground.paste(image, (margins.left, margins.top))
    return ground


def _ground(image: Image.Image, margins: Margins) -> Image.Image:
    """Returns what goes on, for all of the canvas; coarse, since nothing of it is sharp."""
    top, right, bottom, left = (math.ceil(side / COARSE) for side in astuple(margins))
    small = image.resize([math.ceil(side / COARSE) for side in image.size], Image.Resampling.BOX)
    soft = small.filter(ImageFilter.GaussianBlur(EDGE * min(small.size)))
    extended = Image.fromarray(np.pad(np.asarray(soft), ((top, bottom), (left, right), (0, 0)), mode="edge"))
    blurred = extended.filter(ImageFilter.GaussianBlur(max(1.0, BLUR * max(top, right, bottom, left))))
    near = Image.new("L", extended.size)
    near.paste(255, (left, top, left + small.width, top + small.height))
    fade = FADE_PX // COARSE // 2
    near = Image.fromarray(dilate(np.asarray(near), fade)).filter(ImageFilter.BoxBlur(fade))
    x, y = left - margins.left / COARSE, top - margins.top / COARSE
    size = margins.size_around(image.size)
    box = (x, y, min(extended.width, x + size[0] / COARSE), min(extended.height, y + size[1] / COARSE))
    return Image.composite(extended, blurred, near).resize(size, Image.Resampling.BICUBIC, box)


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
