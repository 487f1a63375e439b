"""The part of an image that is drawn, brought to the size that is drawn, and back; never stretched."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from zimage.conditions.masks import Box, dilate

MAX_ZOOM = 4.0
"""A small mask is drawn with as much around it as this leaves, since a model needs to see where it is."""


@dataclass(frozen=True)
class Window:
    """A part of an image, and the size that it is drawn at.

    Attributes:
        box: of the image; it may reach beyond, where the image's edge goes on.
        size: width and height that are drawn.
    """

    box: Box
    size: tuple[int, int]

    @property
    def box_size(self) -> tuple[int, int]:
        """Width and height of the part."""
        left, top, right, bottom = self.box
        return right - left, bottom - top

    def cut(self, image: Image.Image) -> Image.Image:
        """Returns the part of an image at the drawn size."""
        part = _cut(image, self.box)
        return _resized(part, self.size)

    def cut_mask(self, mask: Image.Image) -> Image.Image:
        """Returns the part of a mask at the drawn size; no white is lost, and no new grey comes in."""
        part = _cut(mask, self.box)
        if part.size == self.size:
            return part
        shrinks_by = max(part.width / self.size[0], part.height / self.size[1])
        if shrinks_by > 1:
            part = Image.fromarray(dilate(np.asarray(part), math.ceil(shrinks_by / 2)))
        return part.resize(self.size, Image.Resampling.NEAREST)

    def back(self, drawn: Image.Image, image_size: tuple[int, int]) -> tuple[Image.Image, Box]:
        """Returns what was drawn in the image's own scale, without what lies beyond it, and its box."""
        left, top, right, bottom = self.box
        box = (max(0, left), max(0, top), min(image_size[0], right), min(image_size[1], bottom))
        part = _resized(drawn, self.box_size)
        if box != self.box:
            part = part.crop((box[0] - left, box[1] - top, box[2] - left, box[3] - top))
        return part, box


def whole_window(image_size: tuple[int, int], drawn_size: tuple[int, int], multiple: int) -> Window:
    """Returns the window of a whole image.

    An image that fits but for the multiple is padded; another one is scaled until it fits, and padded.

    Args:
        image_size: width and height of the image.
        drawn_size: width and height that are drawn.
        multiple: divisor of drawn sides.
    """
    missing = [drawn - side for drawn, side in zip(drawn_size, image_size, strict=True)]
    if all(0 <= pixels < multiple for pixels in missing):
        return Window((0, 0, *drawn_size), drawn_size)
    return Window((0, 0, *_at_aspect(image_size, drawn_size)), drawn_size)


def window_around(box: Box, image_size: tuple[int, int], drawn_size: tuple[int, int], padding_px: int) -> Window:
    """Returns the window around a box: padded, grown to the drawn aspect ratio, and moved into the image.

    It reaches beyond the image only where it is larger than that.
    """
    left, top, right, bottom = box
    least = [
        min(side, max(end - start + 2 * padding_px, math.ceil(drawn / MAX_ZOOM)))
        for start, end, drawn, side in zip(box[:2], box[2:], drawn_size, image_size, strict=True)
    ]
    width, height = _at_aspect((least[0], least[1]), drawn_size)
    x = _start(left, right, width, image_size[0])
    y = _start(top, bottom, height, image_size[1])
    return Window((x, y, x + width, y + height), drawn_size)


def _at_aspect(size: tuple[int, int], aspect: tuple[int, int]) -> tuple[int, int]:
    """Returns the smallest size of an aspect ratio that holds a size."""
    width = max(size[0], math.ceil(size[1] * aspect[0] / aspect[1]))
    return width, max(size[1], round(width * aspect[1] / aspect[0]))


def _start(first: int, last: int, length: int, limit: int) -> int:
    """Places a length around first…last, within 0…limit where that is long enough."""
    if length >= limit:
        return (limit - length) // 2
    return min(max((first + last - length) // 2, 0), limit - length)


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    return image if image.size == size else image.resize(size, Image.Resampling.BICUBIC)


def _cut(image: Image.Image, box: Box) -> Image.Image:
    left, top, right, bottom = box
    if left >= 0 and top >= 0 and right <= image.width and bottom <= image.height:
        return image.crop(box)
    rows = np.arange(top, bottom).clip(0, image.height - 1)
    columns = np.arange(left, right).clip(0, image.width - 1)
    return Image.fromarray(np.asarray(image)[rows[:, None], columns])
