"""Sizes to train at: of one area, and of about a picture's own shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product

from PIL import Image

from training.lora.errors import TrainingError

Size = tuple[int, int]
"""Width and height in pixels."""

MAX_RATIO = 3.0
FULL = 0.75  # of the area: smaller sizes have a picture's shape more closely, and less of it


def sizes_within(resolution: int, multiple: int) -> list[Size]:
    """Returns the sizes whose area is that of a square or a little less, the largest first.

    Args:
        resolution: side of the square in pixels.
        multiple: divisor of sides.

    Raises:
        TrainingError: the resolution is smaller than the grid.
    """
    if resolution < multiple:
        raise TrainingError(f"--resolution must be at least {multiple}, the model's grid, got {resolution}")
    columns = resolution // multiple
    every = product(range(1, math.ceil(columns * math.sqrt(MAX_RATIO)) + 1), repeat=2)
    kept = [
        (multiple * across, multiple * down)
        for across, down in every
        if FULL * columns**2 <= across * down <= columns**2 and max(across, down) <= MAX_RATIO * min(across, down)
    ]
    return sorted(kept, key=lambda size: -size[0] * size[1])


def choose_size(width: int, height: int, sizes: Sequence[Size]) -> Size:
    """Returns the size whose shape is nearest to a picture's; of several the first."""
    return min(sizes, key=lambda size: abs(math.log(size[0] / size[1] / (width / height))))


def fit(image: Image.Image, size: Size) -> Image.Image:
    """Scales a picture to cover a size, and cuts off evenly what sticks out."""
    scale = max(size[0] / image.width, size[1] / image.height)
    width, height = size[0] / scale, size[1] / scale  # of the part that is seen
    left, top = (image.width - width) / 2, (image.height - height) / 2
    box = (max(0.0, left), max(0.0, top), min(image.width, left + width), min(image.height, top + height))
    return image.resize(size, Image.Resampling.LANCZOS, box=box)
