"""What the latents of a running generation will look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backend.services.generation.preview import PreviewPixels
from backend.services.library.preview_map import PreviewMap

if TYPE_CHECKING:
    from torch import Tensor


class Estimator:
    """Predicts the finished latents after each Euler step."""

    def __init__(self) -> None:
        self._before: Tensor | None = None

    def begin(self, noise: Tensor) -> None:
        """Notes the latents before the first step, (C, H, W)."""
        self._before = noise.float()

    def after_step(self, latents: Tensor, sigma: float, next_sigma: float) -> Tensor | None:
        """Returns the estimate after a step from `sigma` to `next_sigma`; None where there was no step.

        Euler moved them by (σ' − σ)·v, which gives the velocity v; the picture is expected at x − σ'·v.
        """
        before, self._before = self._before, latents
        if before is None or sigma == next_sigma:
            return None
        velocity = (latents - before) / (next_sigma - sigma)
        return latents - next_sigma * velocity


def preview_of(latents: Tensor | None, preview_map: PreviewMap | None) -> PreviewPixels | None:
    """Maps latents (C, H, W) to colours, in a fraction of a millisecond; None without a map that fits them."""
    if latents is None or preview_map is None or latents.shape[0] != len(preview_map.rows):
        return None
    return to_pixels(latents, preview_map)


def to_pixels(latents: Tensor, preview_map: PreviewMap) -> PreviewPixels:
    """Maps latents (C, H, W) to an RGB picture of H×W pixels."""
    import torch

    rows = torch.tensor(preview_map.rows, device=latents.device)  # (C, 3)
    offset = torch.tensor(preview_map.offset, device=latents.device)
    colours = latents.float().permute(1, 2, 0) @ rows + offset  # (H, W, 3)
    pixels = ((colours + 1) * 127.5).nan_to_num().clamp(0, 255).to(torch.uint8).cpu().contiguous()
    height, width = pixels.shape[:2]
    return PreviewPixels(width, height, pixels.numpy().tobytes())
