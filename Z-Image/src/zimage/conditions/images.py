"""Images of any mode and orientation to upright RGB, to masks, and to tensors."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from zimage.errors import ConditionError

logger = logging.getLogger(__name__)

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

WHITE = (255, 255, 255)
BLACK = (0, 0, 0)
ASPECT_TOLERANCE = 0.01
"""Relative; a mask of another aspect ratio was made for another image."""
_WITH_ALPHA = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def to_rgb(image: Image.Image, background: tuple[int, int, int] = WHITE) -> Image.Image:
    """Returns an image upright, flattened, and in 8-bit sRGB, without metadata.

    Args:
        image: of any mode that Pillow reads; 16-bit and 32-bit integers count to 65535, floats to 1 or to 255.
        background: behind what is transparent.

    Raises:
        ConditionError: the image is empty, has NaN, or is of a mode or range that has no colours.
    """
    upright = _upright(image)
    flat = Image.new("RGB", upright.size, background)
    if has_alpha(upright):
        layered = _layered(upright)
        flat.paste(_in_srgb(layered.convert("RGB"), upright), mask=layered.getchannel("A"))
    else:
        flat.paste(_in_srgb(_opaque(upright), upright))
    return flat


def to_mask(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Returns a mask in 8-bit grey: white is repainted, black is kept.

    Args:
        image: of any mode; transparent is black.
        size: width and height of the image that it belongs to; another size of the same shape is resized.

    Raises:
        ConditionError: it has another shape, or see `to_rgb`.
    """
    is_plain = image.mode == "L" and not has_alpha(image)
    grey = _upright(image) if is_plain else to_rgb(image, BLACK).convert("L")
    if grey.size == size:
        return grey
    if not has_shape_of(grey.size, size):
        raise ConditionError(
            f"the mask has {grey.width}×{grey.height} pixels, the image {size[0]}×{size[1]}: both need the same shape"
        )
    return grey.resize(size, Image.Resampling.NEAREST)


def has_shape_of(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Tells whether two sizes have the same aspect ratio, but for a pixel of rounding or a hundredth."""
    expected = other[0] * size[1] / other[1], other[1] * size[0] / other[0]
    return any(
        abs(side - wanted) <= max(1.0, ASPECT_TOLERANCE * side) for side, wanted in zip(size, expected, strict=True)
    )


def has_alpha(image: Image.Image) -> bool:
    """Tells whether an image may be transparent somewhere."""
    return image.mode in _WITH_ALPHA or "transparency" in image.info


def alpha_mask(image: Image.Image) -> Image.Image | None:
    """Returns a mask of what is transparent, in 8-bit grey; None for an opaque image."""
    upright = _upright(image)
    if not has_alpha(upright):
        return None
    mask = ImageOps.invert(_layered(upright).getchannel("A"))
    return mask if mask.getbbox() else None


def to_tensor(image: Image.Image) -> Tensor:
    """Returns an image as (1, 3, H, W), float32 in −1…1; see `to_rgb`."""
    pixels = torch.from_numpy(np.array(image if image.mode == "RGB" else to_rgb(image)))
    return pixels.permute(2, 0, 1)[None].contiguous().float().div_(127.5).sub_(1.0)


def _upright(image: Image.Image) -> Image.Image:
    if not image.width or not image.height:
        raise ConditionError(f"the image is empty: {image.width}×{image.height} pixels")
    return ImageOps.exif_transpose(image)


def _in_srgb(image: Image.Image, original: Image.Image) -> Image.Image:
    """Converts the colours of an RGB image that has a profile of its own, as photos of telephones do."""
    profile = original.info.get("icc_profile")
    if not profile or original.mode not in ("RGB", "RGBA"):
        return image
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if "srgb" in ImageCms.getProfileDescription(own).lower():
            return image
        converted = ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError) as error:
        logger.warning("the colour profile of an image is not used: %s", error)
        return image
    return image if converted is None else converted


def _layered(image: Image.Image) -> Image.Image:
    plain = image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image
    return plain if plain.mode == "RGBA" else plain.convert("RGBA")


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _grey(_from_integers(np.asarray(image)))
    if image.mode == "F":
        return _grey(_from_floats(np.asarray(image)))
    try:
        return image.convert("RGB")
    except ValueError as error:
        raise ConditionError(f"images of the mode {image.mode} have no colours that can be read: {error}") from error


def _from_integers(values: np.ndarray[Any, Any]) -> Pixels:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise ConditionError(f"grey values of integers must be from 0 to 65535, the image has {low} to {high}")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _from_floats(values: np.ndarray[Any, Any]) -> Pixels:
    if not np.isfinite(values).all():
        raise ConditionError("the image has NaN or infinity among its grey values")
    low, high = float(values.min()), float(values.max())
    if low < 0 or high > 255:
        raise ConditionError(f"grey values of floats must be from 0 to 1 or to 255, the image has {low:g} to {high:g}")
    rounded: Pixels = np.rint(values * 255.0 if high <= 1 else values).astype(np.uint8)
    return rounded


def _grey(pixels: Pixels) -> Image.Image:
    return Image.fromarray(pixels).convert("RGB")
