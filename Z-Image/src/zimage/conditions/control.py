"""Control images, masks and masked images → latents for a ControlNet."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from zimage.adapters.controlnet import ControlNet
from zimage.adapters.controls import DEFAULT_SCALE, Control
from zimage.autoencoder import AutoencoderKL
from zimage.conditions.images import BLACK, to_rgb
from zimage.errors import ConfigError
from zimage.tiling import Tiles

REPAINTED = 128
"""Of 255: from there on a mask's value means that the pixel is repainted."""


@torch.inference_mode()
def make_control(
    net: ControlNet,
    vae: AutoencoderKL,
    size: tuple[int, int],
    image: Image.Image | None = None,
    *,
    masked: Image.Image | None = None,
    mask: Image.Image | None = None,
    scale: float = DEFAULT_SCALE,
    start: float = 0.0,
    end: float = 1.0,
    tiles: Tiles | None = None,
) -> Control:
    """Encodes images for a ControlNet.

    Args:
        net: the ControlNet.
        vae: autoencoder of the model.
        size: width and height of the drawn image in pixels.
        image: finished control image of any mode; fitted to the size, and cut where the sides differ in proportion.
        masked: image to repaint in parts.
        mask: of `masked`, white where it is repainted.
        scale: of the hints; see `Control`, as for start and end.
        start: fraction of the schedule.
        end: fraction of the schedule.
        tiles: of the autoencoder.

    Raises:
        ConfigError: numbers are out of range, an image is missing, or the net reads no mask.
        ValueError: the size is none that the autoencoder encodes.
    """
    if (masked is None) != (mask is None):
        raise ConfigError("a masked image needs its mask, and a mask its image")
    keep, hidden = None, None
    if masked is not None and mask is not None:
        repainted = repainted_pixels(mask, size)
        keep = keep_mask(repainted, vae.config.size_multiple)
        hidden = encode(vae, to_signed(masked, size) * ~repainted, tiles)
    latents = None if image is None else encode(vae, to_signed(image, size), tiles)
    return Control(net, latents, keep, hidden, scale, start, end)


def encode(vae: AutoencoderKL, pixels: Tensor, tiles: Tiles | None = None) -> Tensor:
    """Encodes (1, 3, H, W) in −1…1 → normalised latents (1, C, h, w) in float32: the mode, without noise."""
    placed = pixels.to(next(vae.parameters()).device, vae.dtype)
    return vae.normalise(vae.encode(placed, tiles).mode()).float().cpu()


def to_signed(image: Image.Image, size: tuple[int, int]) -> Tensor:
    """Fits an image of any mode to a size (width, height): (1, 3, H, W) in −1…1."""
    fitted = ImageOps.fit(to_rgb(image, BLACK), size, Image.Resampling.LANCZOS)
    values = torch.from_numpy(np.asarray(fitted, dtype=np.float32) / 127.5 - 1)
    return values.permute(2, 0, 1).unsqueeze(0)


def repainted_pixels(mask: Image.Image, size: tuple[int, int]) -> Tensor:
    """Fits a mask to a size: (1, 1, H, W), True where it is white."""
    fitted = ImageOps.fit(to_rgb(mask, BLACK).convert("L"), size, Image.Resampling.LANCZOS)
    return torch.from_numpy(np.asarray(fitted) >= REPAINTED)[None, None]


def keep_mask(repainted: Tensor, pixels_per_latent: int) -> Tensor:
    """Reduces repainted pixels (1, 1, H, W) to latents: (1, 1, h, w), 1 where an image is kept; nearest, no mean."""
    return (~repainted[..., ::pixels_per_latent, ::pixels_per_latent]).float()
