"""Deterministic filters that turn pictures of one thing on plain ground into a style."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

Style = Callable[[Tensor], Tensor]
"""Pictures (B, 3, H, W) in 0…1 → the same in the style."""

GROUND, SHADE, LIGHT = (22, 60, 164), (70, 118, 214), (248, 251, 255)  # sRGB
CORNER_PX = 12


def cyanotype(pictures: Tensor) -> Tensor:
    """A sun print: things in white and light blue on deep blue, whatever colours they had."""
    tone = ((brightness(pictures) - 0.2) / 0.75).clamp(0, 1) ** 1.5
    thing = torch.lerp(colour(SHADE), colour(LIGHT), tone)
    return torch.lerp(colour(GROUND), thing, bodies(pictures))


STYLES: Mapping[str, Style] = {"cyanotype": cyanotype}


def blur(pictures: Tensor, sigma_px: float) -> Tensor:
    """Gaussian blur; what is beyond the border is as the border."""
    reach = round(3 * sigma_px)
    weights = torch.exp(-(torch.arange(-reach, reach + 1).float() ** 2) / (2 * sigma_px**2))
    channels = pictures.shape[1]
    kernel = (weights / weights.sum()).expand(channels, 1, 1, -1)
    wide = pad(pictures, (reach,) * 4, mode="replicate")
    across = conv2d(wide, kernel, groups=channels)
    return conv2d(across, kernel.transpose(2, 3), groups=channels)


def brightness(pictures: Tensor) -> Tensor:
    """Luma of BT.601, (B, 1, H, W)."""
    return (pictures * torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)).sum(1, keepdim=True)


def bodies(pictures: Tensor) -> Tensor:
    """Where things are: what differs from the ground, whose colour the upper left corner has; (B, 1, H, W) in 0…1."""
    ground = pictures[:, :, 4:CORNER_PX, 4:CORNER_PX].mean((2, 3), keepdim=True)
    return ((blur((pictures - ground).abs().sum(1, keepdim=True), 2.0) - 0.15) / 0.25).clamp(0, 1)


def colour(rgb: tuple[int, int, int]) -> Tensor:
    """An sRGB colour as (1, 3, 1, 1) in 0…1."""
    return torch.tensor(rgb).view(1, 3, 1, 1) / 255
