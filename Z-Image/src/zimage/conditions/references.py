"""Reference images of the Omni variant: what the transformer reads of them, and the prompt in pieces around them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor

from zimage.conditions.images import to_rgb
from zimage.errors import ConditionError
from zimage.inputs import Batch, OmniItem, omni_batch
from zimage.sequence import Patch

MAX_REFERENCES = 8
MAX_AREA_PX = 1024 * 1024
"""Larger references are shrunk to the area of the drawn image."""
MIN_SIDE_PX = 64
MAX_ASPECT = 8.0


@dataclass(frozen=True)
class Reference:
    """A reference image as the transformer reads it.

    Attributes:
        latents: the mode of the autoencoder's, scaled, (C, 1, h, w).
        features: of SigLIP 2, (rows, columns, siglip_feat_dim).
    """

    latents: Tensor
    features: Tensor


@dataclass(frozen=True)
class FittedImage:
    """A reference image in pixels.

    Attributes:
        seen: what SigLIP sees, RGB.
        encoded: what the autoencoder encodes: the same, its sides cut to multiples.
    """

    seen: Image.Image
    encoded: Image.Image


def fit_reference(image: Image.Image, drawn_area_px: int, multiple: int) -> FittedImage:
    """Brings a reference image to a size that is read.

    Args:
        image: of any mode and orientation.
        drawn_area_px: of the image that is drawn.
        multiple: divisor of the sides.

    Raises:
        ConditionError: it is smaller than 64 pixels a side, or longer than 8 : 1.
    """
    seen = to_rgb(image)
    sides = f"{seen.width}×{seen.height}"
    if min(seen.size) < MIN_SIDE_PX:
        raise ConditionError(f"a reference image needs at least {MIN_SIDE_PX} pixels a side, got {sides}")
    if max(seen.size) > MAX_ASPECT * min(seen.size):
        raise ConditionError(f"a reference image is at most {MAX_ASPECT:g} times as long as wide, got {sides}")
    if seen.width * seen.height > MAX_AREA_PX:
        scale = math.sqrt(drawn_area_px / (seen.width * seen.height))
        seen = seen.resize((int(seen.width * scale), int(seen.height * scale)), Image.Resampling.LANCZOS)
    width, height = (side // multiple * multiple for side in seen.size)
    left, top = (seen.width - width) // 2, (seen.height - height) // 2
    return FittedImage(seen, seen.crop((left, top, left + width, top + height)))


def prompt_pieces(prompt: str, n_references: int) -> list[str]:
    """Returns the pieces of a prompt, each with its part of the chat template; a reference stands behind each but two.

    Behind the last but one stands the drawn image.
    """
    begin, end = "<|im_start|>user\n", f"{prompt}<|im_end|>\n<|im_start|>assistant\n"
    if n_references == 0:
        return [begin + end]
    between = ["<|vision_end|><|vision_start|>"] * (n_references - 1)
    return [f"{begin}<|vision_start|>", *between, f"<|vision_end|>{end}<|vision_start|>", "<|vision_end|><|im_end|>"]


def reference_batch(pieces: Sequence[Tensor], references: Sequence[Reference], size: tuple[int, int]) -> Batch:
    """Builds the batch of one image that is drawn from references.

    Args:
        pieces: features (L, cap_feat_dim) of the prompt's pieces.
        references: as the pieces expect them.
        size: rows and columns of the latents that are drawn.
    """
    clean = [reference.latents for reference in references]
    drawn = torch.empty(1).expand(1, 1, *size)  # only its size is looked at
    features = [*(reference.features for reference in references), None] if references else None
    return omni_batch([OmniItem([*clean, drawn], pieces, [0] * len(clean) + [1], features)], Patch())
