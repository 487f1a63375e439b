"""Preprocessors that need no weights: an image → the control image that ControlNets of the family were trained with.

Images are RGB, as large as the given one; lines are white on black. Nothing is random.

Sources: edges by Canny (1986), line segments by LSD (von Gioi et al. 2012), scribbles by XDoG with a hard threshold
(Winnemöller et al. 2012).
"""

from __future__ import annotations

from collections.abc import Callable
from inspect import signature
from types import ModuleType
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from zimage.conditions.images import BLACK, WHITE, to_rgb
from zimage.errors import ConfigError

Values = np.ndarray[Any, np.dtype[Any]]

CANNY_LOW, CANNY_HIGH = 100.0, 200.0
LINE_LENGTH = 0.02  # of the longer side
LINE_WIDTH_PX = 1
REFERENCE_PX = 512  # shorter side for which widths in pixels are given
SCRIBBLE_SIGMAS = (0.5, 5.0)
SCRIBBLE_LEVEL = 16.0
SCRIBBLE_WIDTH_PX = 3.0
BLUR_SIGMA = 9.0

FINISHED = "finished"
"""Kind of a control image that is used as it is."""
UNAVAILABLE = {
    "depth": "a depth map, near is bright",
    "pose": "a skeleton in OpenPose's colours on black",
    "hed": "soft white edges on black",
    "normal": "none: no ControlNet of the family was trained with normals",
    "seg": "none: no ControlNet of the family was trained with segments",
}
"""Kinds that need weights, which are not part of the library, and what to send instead."""
WITH_MODELS = ("depth", "pose")
"""Those of them that `zimage.annotators.annotate` makes with a folder of a model."""


def canny(image: Image.Image, low: float = CANNY_LOW, high: float = CANNY_HIGH) -> Image.Image:
    """Draws edges one pixel wide.

    Args:
        image: of any mode and size.
        low: gradient from which on an edge goes on, of 0 to 1020.
        high: gradient from which on an edge begins.

    Raises:
        ConfigError: the thresholds are not 0 ≤ low ≤ high.
    """
    if not 0 <= low <= high:
        raise ConfigError(f"canny needs 0 ≤ low ≤ high, got {low} and {high}")
    return _to_image(_cv2().Canny(_grey(image), float(low), float(high)))


def lines(image: Image.Image, min_length: float = LINE_LENGTH) -> Image.Image:
    """Draws straight line segments, as of buildings and rooms; stands for MLSD.

    Args:
        image: of any mode and size.
        min_length: of a segment, as a fraction of the longer side.

    Raises:
        ConfigError: the length is not from 0 to 1.
    """
    if not 0 <= min_length <= 1:
        raise ConfigError(f"lines need a min_length from 0 to 1, got {min_length}")
    cv2, grey = _cv2(), _grey(image)
    canvas = np.zeros_like(grey)
    found = cv2.createLineSegmentDetector().detect(grey)[0]
    segments = np.zeros((0, 4)) if found is None else np.asarray(found, dtype=np.float64).reshape(-1, 4)
    lengths = np.hypot(segments[:, 2] - segments[:, 0], segments[:, 3] - segments[:, 1])
    for x0, y0, x1, y1 in segments[lengths >= min_length * max(grey.shape)].round().astype(int).tolist():
        cv2.line(canvas, (x0, y0), (x1, y1), 255, LINE_WIDTH_PX)
    return _to_image(canvas)


def scribble(image: Image.Image, level: float = SCRIBBLE_LEVEL) -> Image.Image:
    """Draws thick strokes where it is darker than around, as by hand.

    Args:
        image: of any mode and size.
        level: of 255, how much darker; above 0.

    Raises:
        ConfigError: the level is out of range.
    """
    if not 0 < level <= 255:
        raise ConfigError(f"scribble needs a level above 0 and up to 255, got {level}")
    cv2, grey = _cv2(), _grey(image).astype(np.float32)
    unit = max(1.0, min(grey.shape) / REFERENCE_PX)
    narrow, wide = (_blurred(grey, sigma * unit) for sigma in SCRIBBLE_SIGMAS)
    strokes = wide - narrow >= level
    side = 2 * round(SCRIBBLE_WIDTH_PX * unit / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    return _to_image(cv2.morphologyEx(strokes.astype(np.uint8) * 255, cv2.MORPH_CLOSE, kernel))


def grey(image: Image.Image) -> Image.Image:
    """Leaves the colours out."""
    return _to_image(_grey(image))


def tile(image: Image.Image, shrink: float = 1.0) -> Image.Image:
    """Leaves details out, for a ControlNet that adds new ones; as it is with 1.

    Args:
        image: of any mode and size.
        shrink: size in pixels below which details are left out, from 1 to 64.

    Raises:
        ConfigError: `shrink` is out of range.
    """
    if not 1 <= shrink <= 64:
        raise ConfigError(f"tile needs a shrink from 1 to 64, got {shrink}")
    pixels = _rgb(image)
    if shrink == 1:
        return Image.fromarray(pixels)
    cv2, (height, width) = _cv2(), pixels.shape[:2]
    small = (max(1, round(width / shrink)), max(1, round(height / shrink)))
    reduced = cv2.resize(pixels, small, interpolation=cv2.INTER_AREA)
    return Image.fromarray(cv2.resize(reduced, (width, height), interpolation=cv2.INTER_CUBIC))


def blur(image: Image.Image, sigma: float = BLUR_SIGMA) -> Image.Image:
    """Keeps colours and light, and nothing sharp.

    Args:
        image: of any mode and size.
        sigma: of the blur in pixels, for a shorter side of 512; above 0 to 100.

    Raises:
        ConfigError: `sigma` is out of range.
    """
    if not 0 < sigma <= 100:
        raise ConfigError(f"blur needs a sigma above 0 and up to 100, got {sigma}")
    pixels = _rgb(image)
    return Image.fromarray(_blurred(pixels, sigma * min(pixels.shape[:2]) / REFERENCE_PX))


def finished(image: Image.Image) -> Image.Image:
    """Takes a control image as it is, in RGB; what is transparent is black."""
    return to_rgb(image, BLACK)


PREPROCESSORS: dict[str, Callable[..., Image.Image]] = {
    "canny": canny, "lines": lines, "scribble": scribble, "grey": grey, "tile": tile, "blur": blur, FINISHED: finished,
}  # fmt: skip


def preprocess(image: Image.Image, kind: str, /, **options: float) -> Image.Image:
    """Makes a control image of a kind: RGB, as large as the given one.

    Args:
        image: of any mode and size.
        kind: one of `PREPROCESSORS`.
        options: of its function.

    Raises:
        ConfigError: the kind is unknown or needs weights, or an option is unknown or out of range.
    """
    if kind in UNAVAILABLE:
        other = "use zimage.annotators.annotate with a folder of them, or " if kind in WITH_MODELS else ""
        raise ConfigError(
            f"{kind} needs weights that are not part of the library: {other}send a {FINISHED} control image instead "
            f"({UNAVAILABLE[kind]})"
        )
    if kind not in PREPROCESSORS:
        raise ConfigError(f"kind must be one of {', '.join(PREPROCESSORS)}, got {kind!r}")
    made = PREPROCESSORS[kind]
    allowed = list(signature(made).parameters)[1:]
    if unknown := sorted(options.keys() - set(allowed)):
        raise ConfigError(f"{kind} takes {', '.join(allowed) or 'no options'}, got {', '.join(unknown)}")
    return made(image, **options)


def control_image(image: Image.Image, kind: str, size: tuple[int, int], /, **options: float) -> Image.Image:
    """Fits an image to the size that is drawn (width, height), then makes its control image; see `preprocess`.

    It is cut where the sides differ in proportion, and never stretched.
    """
    rgb = to_rgb(image, BLACK if kind == FINISHED else WHITE)
    return preprocess(ImageOps.fit(rgb, size, Image.Resampling.LANCZOS), kind, **options)


def _blurred(pixels: Values, sigma: float) -> Values:
    if sigma <= 0:
        return pixels
    blurred: Values = _cv2().GaussianBlur(pixels, (0, 0), sigma)
    return blurred


def _grey(image: Image.Image) -> Values:
    return np.asarray(to_rgb(image, WHITE).convert("L"))


def _rgb(image: Image.Image) -> Values:
    return np.asarray(to_rgb(image, WHITE))


def _to_image(greys: Values) -> Image.Image:
    return Image.fromarray(greys).convert("RGB")


def _cv2() -> ModuleType:
    """Imports OpenCV, which only some preprocessors need."""
    try:
        import cv2
    except ImportError as error:
        raise ConfigError(
            "this preprocessor needs OpenCV: pip install opencv-python-headless, or send a finished control image"
        ) from error
    module: ModuleType = cv2
    return module
