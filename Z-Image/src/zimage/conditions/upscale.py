"""A larger image: enlarged by Lanczos, drawn over in overlapping tiles, and joined without seams."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from zimage.conditions.images import has_shape_of, to_rgb
from zimage.conditions.masks import Box, touched
from zimage.conditions.window import Window
from zimage.errors import ConditionError
from zimage.tiling import Tiles

Weights = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True)
class Grid:
    """Where the tiles of an image lie.

    Attributes:
        size: width and height of the image.
        tile: width and height of a tile, multiples of `multiple`.
        overlap: of neighbours, in pixels; a multiple of `multiple`, and at most half of a tile.
        multiple: divisor of drawn sides.
    """

    size: tuple[int, int]
    tile: tuple[int, int]
    overlap: int
    multiple: int

    def __post_init__(self) -> None:
        """Validates that tiles lie on the model's grid."""
        if any(value % self.multiple for value in (*self.tile, self.overlap)):
            raise ConditionError(
                f"tiles of {self.tile[0]}×{self.tile[1]} pixels that overlap by {self.overlap} are not multiples of "
                f"{self.multiple}"
            )

    @property
    def canvas_size(self) -> tuple[int, int]:
        """Width and height that the tiles cover together: the image, padded to the multiple and to one tile."""
        width, height = (
            max(tile, math.ceil(side / self.multiple) * self.multiple)
            for side, tile in zip(self.size, self.tile, strict=True)
        )
        return width, height

    def boxes(self) -> list[Box]:
        """Returns the boxes of the tiles, row by row."""
        width, height = self.tile
        return [(x, y, x + width, y + height) for y in self._starts(1) for x in self._starts(0)]

    def weights(self, box: Box) -> Weights:
        """Returns how much of each pixel comes from a tile, (height, width); those of all tiles add up to 1."""
        columns, rows = (self._share(axis, box[axis]) for axis in (0, 1))
        return np.outer(rows, columns).astype(np.float32)

    def _starts(self, axis: int) -> list[int]:
        return Tiles(self.tile[axis], self.overlap).starts(self.canvas_size[axis])

    def _share(self, axis: int, start: int) -> Weights:
        side = self.tile[axis]
        place = np.arange(side) + 0.5
        ramp = np.minimum(np.minimum(place, side - place) / max(self.overlap, 1), 1.0)
        total = np.zeros(self.canvas_size[axis])
        for other in self._starts(axis):
            total[other : other + side] += ramp
        share: Weights = ramp / total[start : start + side]
        return share


@dataclass(frozen=True)
class Tile:
    """A tile that is to be drawn.

    Attributes:
        index: from 0.
        count: of all tiles.
        box: of the canvas, in pixels.
        image: RGB, what the drawing begins from.
        mask: share of the strength, in 8-bit grey; None for all of it.
        canvas_size: width and height of all tiles together.
    """

    index: int
    count: int
    box: Box
    image: Image.Image
    mask: Image.Image | None
    canvas_size: tuple[int, int]

    def cut(self, image: Image.Image) -> Image.Image:
        """Returns the tile's part of another image of the whole canvas, such as a control image."""
        return Window(self.box, self.image.size).cut(image)


def enlarge(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Enlarges an image by Lanczos.

    Raises:
        ConditionError: the size is smaller, or of another shape.
    """
    if size[0] < image.width or size[1] < image.height:
        raise ConditionError(
            f"{size[0]}×{size[1]} is smaller than the image, which has {image.width}×{image.height} pixels"
        )
    if not has_shape_of(size, image.size):
        raise ConditionError(
            f"{size[0]}×{size[1]} would stretch the image of {image.width}×{image.height} pixels: keep its shape"
        )
    return image if image.size == size else image.resize(size, Image.Resampling.LANCZOS)


def redraw_in_tiles(
    image: Image.Image, grid: Grid, redraw: Callable[[Tile], Image.Image], mask: Image.Image | None = None
) -> Image.Image:
    """Enlarges an image to the grid's size and has it drawn over, tile by tile.

    Args:
        image: of any mode.
        grid: size and tiles.
        redraw: draws over a tile; what it raises, as when it is cancelled, ends the work.
        mask: share of the strength for each pixel of the enlarged image, in 8-bit grey; where it is 0 the enlarged
            image stays. None for all of it.

    Raises:
        ConditionError: the size is smaller than the image, or of another shape.
    """
    canvas = enlarge(to_rgb(image), grid.size)
    total = np.zeros((*grid.canvas_size[::-1], 3), np.float32)
    for tile in _tiles(canvas, grid, mask):
        left, top, right, bottom = tile.box
        pixels = np.asarray(redraw(tile), np.float32)
        total[top:bottom, left:right] += pixels * grid.weights(tile.box)[..., None]
    drawn = np.rint(total[: grid.size[1], : grid.size[0]]).clip(0, 255).astype(np.uint8)
    return Image.fromarray(drawn) if mask is None else Image.composite(Image.fromarray(drawn), canvas, touched(mask))


def _tiles(canvas: Image.Image, grid: Grid, mask: Image.Image | None) -> Iterator[Tile]:
    boxes = grid.boxes()
    for index, box in enumerate(boxes):
        window = Window(box, grid.tile)
        part = None if mask is None else window.cut_mask(mask)
        yield Tile(index, len(boxes), box, window.cut(canvas), part, grid.canvas_size)
