"""Keypoints of people as the skeletons that ControlNets know: OpenPose's 18 points and colours, on black."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Keypoints = np.ndarray[Any, np.dtype[Any]]
"""Of one person, (17 or more, 3) in COCO's order: x, y in pixels, score."""
Point = tuple[float, float]

FROM_COCO = (0, None, 6, 8, 10, 5, 7, 9, 12, 14, 16, 11, 13, 15, 2, 1, 4, 3)
"""For each point of OpenPose the one of COCO: nose, neck, right arm, left arm, right leg, left leg, eyes, ears.

The neck is between the shoulders.
"""
SHOULDERS = (5, 6)
NECK = 1
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0),
    (0, 14), (14, 16), (0, 15), (15, 17),
)  # fmt: skip
COLOURS = (
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255),
    (255, 0, 255), (255, 0, 170), (255, 0, 85),
)  # fmt: skip
"""Of points, by number; limbs have the same at 0.6."""
LIMB_LIGHT = 0.6
WIDTH_PX = 4.0
"""Half the width of a limb, and a joint's radius, in an image whose shorter side is 512 pixels or less."""
REFERENCE_PX = 512
CORNERS = 48


def to_openpose(person: Keypoints, min_score: float) -> list[Point | None]:
    """Returns OpenPose's 18 points of a person; None where COCO's score is too low. A neck needs both shoulders."""
    points: list[Point | None] = []
    for source in FROM_COCO:
        parts = person[list(SHOULDERS) if source is None else [source]]
        is_seen = bool((parts[:, 2] >= min_score).all())
        points.append((float(parts[:, 0].mean()), float(parts[:, 1].mean())) if is_seen else None)
    return points


def draw_skeletons(size: tuple[int, int], people: Sequence[Keypoints], min_score: float) -> Image.Image:
    """Draws people on black.

    Args:
        size: width and height of the image.
        people: keypoints of each.
        min_score: of a keypoint, below which it is left out, with the limbs that it ends.
    """
    canvas = Image.new("RGB", size)
    pen = ImageDraw.Draw(canvas)
    width = WIDTH_PX * max(1.0, min(size) / REFERENCE_PX)
    bodies = [to_openpose(person, min_score) for person in people]
    for (start, end), colour in zip(LIMBS, COLOURS, strict=False):
        dimmed = tuple(int(value * LIMB_LIGHT) for value in colour)
        for body in bodies:
            if (first := body[start]) is not None and (second := body[end]) is not None:
                pen.polygon(_limb(first, second, width), fill=dimmed)
    for number, colour in enumerate(COLOURS):
        for body in bodies:
            if (point := body[number]) is not None:
                pen.ellipse((point[0] - width, point[1] - width, point[0] + width, point[1] + width), fill=colour)
    return canvas


def _limb(start: Point, end: Point, width: float) -> list[Point]:
    """Returns the outline of an ellipse from one point to another, so many pixels to either side."""
    middle = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2
    along = (end[0] - start[0]) / 2, (end[1] - start[1]) / 2
    length = math.hypot(*along)
    across = (-along[1] / length * width, along[0] / length * width) if length else (0.0, width)
    angles = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
    return [
        (
            middle[0] + math.cos(angle) * along[0] + math.sin(angle) * across[0],
            middle[1] + math.cos(angle) * along[1] + math.sin(angle) * across[1],
        )
        for angle in angles
    ]
