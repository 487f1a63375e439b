"""People cut out for a pose model, and its heatmaps as points of the image. NumPy alone.

Both ends follow "The Devil is in the Details" (Huang et al. 2020): an image of n pixels is n − 1 long. Points are
refined by "Distribution-Aware Coordinate Representation" (Zhang et al. 2020). Numbers are ViTPose's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Values = np.ndarray[Any, np.dtype[Any]]

PADDING = 1.25
"""How much more than its box of a person is seen."""
BLUR_SIGMA, BLUR_RADIUS = 0.8, 5
LOWEST, HIGHEST = 0.001, 50.0
"""Heat below and above which logarithms are not taken."""
EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True)
class Box:
    """Part of an image, in its pixels.

    Attributes:
        x: centre.
        y: centre.
        width: of the part.
        height: of the part.
    """

    x: float
    y: float
    width: float
    height: float

    @classmethod
    def around(cls, corners: tuple[float, float, float, float], size: tuple[int, int]) -> Box:
        """Returns what a model sees for a person: the corners, grown to its shape, and a quarter more.

        Args:
            corners: left, top, right, bottom.
            size: width and height of what the model sees.
        """
        left, top, right, bottom = corners
        aspect = size[0] / size[1]
        width = max(right - left, (bottom - top) * aspect)
        return cls((left + right) / 2, (top + bottom) / 2, width * PADDING, width / aspect * PADDING)


def cut(pixels: Values, box: Box, size: tuple[int, int]) -> Values:
    """Returns a part of an image (H, W, C) in 8 bits at a size (width, height); black beyond its edges."""
    columns = _positions(size[0], box.x, box.width)
    rows = _positions(size[1], box.y, box.height)
    across = _sample(pixels.astype(np.float64), columns, 1)
    return np.asarray(np.floor(_sample(across, rows, 0) + 0.5).astype(np.uint8))


def to_points(heatmaps: Values, box: Box) -> Values:
    """Returns the points (K, 3) of heatmaps (K, h, w): x and y in pixels of the image, and a score."""
    count, height, width = heatmaps.shape
    flat = heatmaps.reshape(count, -1)
    best = flat.argmax(1)
    peaks = np.stack([best % width, best // width], 1)
    refined = peaks + _offsets(_log_blurred(heatmaps), peaks)
    x = refined[:, 0] * box.width / (width - 1) + box.x - box.width / 2
    y = refined[:, 1] * box.height / (height - 1) + box.y - box.height / 2
    return np.stack([x, y, flat.max(1)], 1)


def _positions(count: int, centre: float, length: float) -> Values:
    return np.arange(count) * (length / (count - 1)) + centre - length / 2


def _sample(values: Values, positions: Values, axis: int) -> Values:
    """Takes values between pixels along an axis, linearly; 0 where a position is outside."""
    last = values.shape[axis] - 1
    is_inside = (positions >= 0) & (positions <= last)
    clipped = positions.clip(0, last)
    low = np.minimum(np.floor(clipped).astype(int), max(last - 1, 0))
    share = (clipped - low).reshape([-1 if at == axis else 1 for at in range(values.ndim)])
    inside = is_inside.reshape(share.shape)
    between = values.take(low, axis) * (1 - share) + values.take(np.minimum(low + 1, last), axis) * share
    return np.asarray(between * inside)


def _log_blurred(heatmaps: Values) -> Values:
    offsets = np.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    kernel = np.exp(-0.5 * (offsets / BLUR_SIGMA) ** 2)
    kernel /= kernel.sum()
    blurred = heatmaps.astype(np.float64)
    for axis in (1, 2):
        widths = [(0, 0), (0, 0), (0, 0)]
        widths[axis] = (BLUR_RADIUS, BLUR_RADIUS)
        padded = np.pad(blurred, widths, mode="symmetric")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(kernel), axis)  # (K, h, w, window)
        blurred = windows @ kernel
    return np.asarray(np.log(blurred.clip(LOWEST, HIGHEST)))


def _offsets(logs: Values, peaks: Values) -> Values:
    """Returns how far the top of the hill is from each highest pixel: one step of Newton's method, (K, 2)."""
    around = np.pad(logs, ((0, 0), (1, 1), (1, 1)), mode="edge")
    maps, x, y = np.arange(len(peaks)), peaks[:, 0] + 1, peaks[:, 1] + 1

    def at(right: int, down: int) -> Values:
        return np.asarray(around[maps, y + down, x + right])

    here = at(0, 0)
    dx, dy = (at(1, 0) - at(-1, 0)) / 2, (at(0, 1) - at(0, -1)) / 2
    dxx, dyy = at(1, 0) - 2 * here + at(-1, 0), at(0, 1) - 2 * here + at(0, -1)
    dxy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * here - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    hessian = np.stack([dxx + EPSILON, dxy, dxy, dyy + EPSILON], 1).reshape(-1, 2, 2)
    slope = np.stack([dx, dy], 1)[..., None]
    return np.asarray(-(np.linalg.pinv(hessian) @ slope)[..., 0])
