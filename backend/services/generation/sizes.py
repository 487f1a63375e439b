"""The size that a model draws instead of the one asked for. Pure functions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from backend.models.schemas import MAX_SIDE_PX, MIN_SIDE_PX, SIDE_MULTIPLE_PX

CPU_MAX_AREA_PX = 512 * 512


def nearest_size(width: int, height: int, sizes: Sequence[tuple[int, int]], max_area: int | None) -> tuple[int, int]:
    """Picks the size of the nearest aspect ratio, and among those of the nearest area.

    Args:
        width: Wanted width in pixels.
        height: Wanted height in pixels.
        sizes: Widths and heights to pick from, at least one.
        max_area: Most pixels that are allowed, or None; the smallest size is taken when all have more.

    Returns:
        Width and height in pixels.
    """
    allowed = [size for size in sizes if max_area is None or math.prod(size) <= max_area]

    def distance(size: tuple[int, int]) -> tuple[float, float]:
        aspect = abs(math.log(size[0] * height / (size[1] * width)))
        return round(aspect, 6), abs(math.log(math.prod(size) / (width * height)))

    return min(allowed, key=distance) if allowed else min(sizes, key=math.prod)


def canvas_size(width: int, height: int) -> tuple[int, int]:
    """Returns the size to ask for so that an image is drawn whole: on the grid of requests and within their bounds.

    An image of that size is drawn to the pixel; a larger one is scaled down, and the rest of the canvas is cut off.
    """
    longest = max(width, height)
    scale = min(max(1.0, MIN_SIDE_PX / longest), MAX_SIDE_PX / longest)
    sides = (math.ceil(round(side * scale, 6) / SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX for side in (width, height))
    canvas_width, canvas_height = (max(MIN_SIDE_PX, side) for side in sides)
    return canvas_width, canvas_height


def fit_size(width: int, height: int, *, multiple: int, max_area: int | None) -> tuple[int, int]:
    """Brings a size onto a model's grid and below an area, keeping its aspect ratio as far as the grid allows.

    Args:
        width: Wanted width in pixels.
        height: Wanted height in pixels.
        multiple: Grid of the model in pixels.
        max_area: Most pixels that are allowed, or None.

    Returns:
        Width and height in pixels; unchanged when they fit already.
    """
    scale = 1.0 if max_area is None else min(1.0, math.sqrt(max_area / (width * height)))
    sizes = itertools.product(_neighbours(width * scale, multiple), _neighbours(height * scale, multiple))

    def unfitness(size: tuple[int, int]) -> tuple[float, float, int]:
        area = size[0] * size[1]
        excess = 0 if max_area is None else max(0, area - max_area)
        distortion = abs(math.log((size[0] * height) / (size[1] * width)))
        return excess, distortion, -area

    return min(sizes, key=unfitness)


def _neighbours(value: float, multiple: int) -> tuple[int, int]:
    below = max(multiple, math.floor(value / multiple) * multiple)
    return below, max(multiple, math.ceil(value / multiple) * multiple)
