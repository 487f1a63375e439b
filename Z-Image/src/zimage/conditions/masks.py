"""Masks in pixels: grown, feathered, and measured. White is repainted."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageFilter
from torch import Tensor

from zimage.conditions.images import Pixels
from zimage.errors import ConditionError

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, as in Pillow."""


def dilate(values: Pixels, radius: int) -> Pixels:
    """Gives each pixel the largest value within `radius` rows and columns."""
    for axis in (0, 1):
        values = _dilate_along(values, radius, axis)
    return values


def _dilate_along(values: Pixels, radius: int, axis: int) -> Pixels:
    """Takes the largest of 2 · radius + 1 neighbours, in as many passes as that has binary digits."""
    length = values.shape[axis]
    margins = [(0, 0), (0, 0)]
    margins[axis] = (radius, radius)
    padded = np.moveaxis(np.pad(values, margins), axis, 0)
    reach, window = 1, 2 * radius + 1
    while reach < window:
        shift = min(reach, window - reach)
        padded = np.maximum(padded[:-shift], padded[shift:])
        reach += shift
    return np.ascontiguousarray(np.moveaxis(padded[:length], 0, axis))


def feather_mask(mask: Image.Image, feather_px: int) -> tuple[Image.Image, Image.Image]:
    """Lets a mask fade out around what is to change.

    Where the mask is not black it stays as it is; from there both results fall to 0 within `feather_px` rows and
    columns: a corner reaches farther along its diagonal. An odd number counts as the even one below it.

    Returns:
        Strength of each pixel, and how much of the new image it gets; both in 8-bit grey.
    """
    radius, box = feather_px // 2, mask.getbbox()
    if radius == 0 or box is None:
        return mask, touched(mask)
    reach = 2 * radius
    grown = (box[0] - reach, box[1] - reach, box[2] + reach, box[3] + reach)
    place = (max(0, grown[0]), max(0, grown[1]), min(mask.width, grown[2]), min(mask.height, grown[3]))
    both = Image.new("L", mask.size), Image.new("L", mask.size)
    for whole, part in zip(both, _fade(np.asarray(mask.crop(place)), radius), strict=True):
        whole.paste(part, place)
    return both


def _fade(values: Pixels, radius: int) -> tuple[Image.Image, Image.Image]:
    # A box that is blurred by half the width begins to fall at its old edge when it is grown by half the width.
    changing = np.where(values > 0, np.uint8(255), np.uint8(0))
    fade = Image.fromarray(dilate(changing, radius)).filter(ImageFilter.BoxBlur(radius))
    around = dilate(values, 2 * radius).astype(np.uint16) * np.asarray(fade)
    strengths = np.maximum(values, ((around + 127) // 255).astype(np.uint8))
    return Image.fromarray(strengths), fade


def touched(mask: Image.Image) -> Image.Image:
    """Returns white wherever a mask is not black."""
    return mask.point([0] + [255] * 255)


def bounds(mask: Image.Image) -> Box:
    """Returns the box around what is to change.

    Raises:
        ConditionError: the mask is black.
    """
    box = mask.getbbox()
    if box is None:
        raise ConditionError("the mask is black everywhere, so nothing would change: paint white what is to change")
    return box


def to_unit_mask(mask: Image.Image) -> Tensor:
    """Returns a mask as (1, 1, H, W), float32 in 0…1."""
    return torch.from_numpy(np.array(mask))[None, None].float().div_(255.0)
