"""Small helpers for tensors and images."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from PIL import Image
from torch import Tensor


def draw_noise(
    shape: Sequence[int], generator: torch.Generator | Sequence[torch.Generator] | None, device: torch.device
) -> Tensor:
    """Returns normal noise in float32, drawn on the generator's device.

    A seed thus gives the same noise on every device.

    Args:
        shape: batch first.
        generator: one for the batch, or one per item.
        device: device of the result.

    Raises:
        ValueError: the number of generators is not that of the items.
    """
    if generator is None or isinstance(generator, torch.Generator):
        origin = device if generator is None else generator.device
        return torch.randn(shape, generator=generator, device=origin, dtype=torch.float32).to(device)
    if len(generator) != shape[0]:
        raise ValueError(f"{shape[0]} images need as many generators, got {len(generator)}")
    return torch.cat([draw_noise((1, *shape[1:]), one, device) for one in generator])


def to_unit_range(images: Tensor) -> Tensor:
    """Maps −1…1 to 0…1 in float32, clamped."""
    return (images.float() * 0.5 + 0.5).clamp(0, 1)


def to_pil(images: Tensor) -> list[Image.Image]:
    """Converts (B, 3, H, W) in 0…1 to PIL images."""
    values = (images * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(value) for value in values]
