"""Gives a thing another colour: its hue is turned, its shading and what has another hue are kept.

It works in Oklab (https://bottosson.github.io/posts/oklab/), in which hue, chroma and lightness are apart.
"""

import math

import torch
from torch import Tensor

from training.nano.dataset.scenes import NATURAL, palette_tensor

TO_LMS = torch.tensor([
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
])  # fmt: skip
TO_LAB = torch.tensor([
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
])  # fmt: skip
HUES = 36
NEAR, FAR = math.radians(50), math.radians(80)  # of the chief hue: turned with it, left as it is
GREY = 0.05  # chroma below which a colour is hardly one
ENOUGH = 0.45  # share of a thing that has to change to be called by the colour
LIGHTNESS_SHARE = 0.8  # how far the mean lightness goes to that of the colour
OTHER_HUES = 0.25  # what is left of a thing's own variety of hue


def to_oklab(pictures: Tensor) -> Tensor:
    """SRGB (B, 3, H, W) in 0..1 to Oklab."""
    linear = torch.where(pictures <= 0.04045, pictures / 12.92, ((pictures + 0.055) / 1.055).clamp(min=0) ** 2.4)
    cones = torch.einsum("ij,bjhw->bihw", TO_LMS, linear).clamp(min=0) ** (1 / 3)
    return torch.einsum("ij,bjhw->bihw", TO_LAB, cones)


def from_oklab(lab: Tensor) -> Tensor:
    """Oklab (B, 3, H, W) to sRGB in 0..1, clipped."""
    cones = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(TO_LAB), lab) ** 3
    linear = torch.einsum("ij,bjhw->bihw", torch.linalg.inv(TO_LMS), cones).clamp(0, 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def recolour(picture: Tensor, colour: int) -> Tensor:
    """A thing in a colour of the palette.

    Args:
        picture: premultiplied RGBA (4, H, W) in 0..1.
        colour: its number, or NATURAL.

    Returns:
        As `picture`.
    """
    if colour == NATURAL:
        return picture
    alpha = picture[3:]
    lab = to_oklab((picture[:3] / alpha.clamp(min=1e-3)).clamp(0, 1)[None])[0]
    light, chroma = lab[0], lab[1:].norm(dim=0)
    hue = torch.atan2(lab[2], lab[1])
    chief = chief_hue(hue, chroma * alpha[0])
    turn = (hue - chief + math.pi) % (2 * math.pi) - math.pi
    share = affected(light, chroma, turn.abs(), alpha[0])
    goal = to_oklab(palette_tensor()[colour][None, :, None, None])[0, :, 0, 0]
    weight = share * alpha[0]
    total = weight.sum().clamp(min=1e-6)
    mean_light, mean_chroma = ((weight * value).sum() / total for value in (light, chroma))
    goal_light, goal_chroma, goal_hue = goal[0], goal[1:].norm(), torch.atan2(goal[2], goal[1])
    middle = torch.lerp(mean_light, goal_light, LIGHTNESS_SHARE)
    room = min(1.0, float(2 * torch.minimum(middle, 1 - middle)) + 0.35)  # near black and white there is less shading
    new_light = (middle + (light - mean_light) * room).clamp(0, 1)
    strength = (chroma / mean_chroma.clamp(min=1e-3)).clamp(0.5, 1.3) if mean_chroma > GREY else torch.ones_like(chroma)
    new_hue = goal_hue + OTHER_HUES * turn * (mean_chroma > GREY)
    new_chroma = goal_chroma * strength
    new = torch.stack([new_light, new_chroma * new_hue.cos(), new_chroma * new_hue.sin()])
    mixed = torch.lerp(lab, new, share)
    return torch.cat([from_oklab(mixed[None])[0] * alpha, alpha])


def chief_hue(hue: Tensor, weight: Tensor) -> Tensor:
    """The middle of the fullest of 36 hues, in radians."""
    bins = ((hue + math.pi) / (2 * math.pi) * HUES).long().clamp(0, HUES - 1)
    counts = torch.zeros(HUES).scatter_add_(0, bins.flatten(), weight.flatten())
    smooth = counts + counts.roll(1) + counts.roll(-1)
    return (smooth.argmax() + 0.5) / HUES * 2 * math.pi - math.pi


def affected(light: Tensor, chroma: Tensor, turn: Tensor, alpha: Tensor) -> Tensor:
    """How much each pixel changes, 0..1: what has the chief hue, or more if that is too little."""
    colourful = ((chroma - GREY / 2) / GREY).clamp(0, 1)
    near = ((FAR - turn) / (FAR - NEAR)).clamp(0, 1)
    middle = ((light - 0.2) / 0.15).clamp(0, 1)  # eyes and outlines stay dark
    whole = alpha.sum().clamp(min=1e-6)
    for share in (colourful * near, colourful, middle):
        if (share * alpha).sum() >= ENOUGH * whole:
            return share
    return middle
