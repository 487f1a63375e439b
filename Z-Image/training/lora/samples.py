"""Images drawn while training goes on, with the side paths and without a training adapter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from PIL import Image
from torch import Tensor
from zimage.autoencoder import AutoencoderKL
from zimage.sampling import Guidance, build_velocity, denoise
from zimage.scheduler import FlowMatchEulerDiscreteScheduler, linear_sigmas
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel
from zimage.utils.helpers import draw_noise, to_pil, to_unit_range


@dataclass(frozen=True)
class Artist:
    """Draws images of given caption features.

    Attributes:
        transformer: with whatever hangs on it.
        vae: decodes.
        scheduler: noise schedule.
        steps: points of the schedule, the image included.
        guidance: 0 for none.
    """

    transformer: ZImageTransformer2DModel
    vae: AutoencoderKL
    scheduler: FlowMatchEulerDiscreteScheduler
    steps: int = 9
    guidance: float = 0.0

    @torch.no_grad()
    def draw(self, features: Tensor, negative: Tensor, size: tuple[int, int], seed: int) -> Image.Image:
        """Draws one image.

        Args:
            features: of the prompt, (L, cap_feat_dim).
            negative: of the negative prompt; unused without guidance.
            size: width and height in pixels.
            seed: of the noise.
        """
        columns, rows = (side // self.vae.config.size_multiple for side in size)
        device, dtype = self.transformer.device, self.transformer.activation_dtype
        positive, negative = (given.to(device, dtype) for given in (features, negative))
        shape = (1, self.transformer.config.in_channels, rows, columns)
        noise = draw_noise(shape, torch.Generator().manual_seed(seed), device)
        levels = self.scheduler.sigmas(linear_sigmas(self.steps), rows * columns // Patch().side ** 2)
        velocity = build_velocity(
            self.transformer,
            self.scheduler.times(levels),
            [positive],
            [negative],
            Guidance(self.guidance),
            (rows, columns),
        )
        final = denoise(noise, levels, velocity)
        return to_pil(to_unit_range(self.vae.decode(self.vae.denormalise(final.to(self.vae.dtype)))))[0]


def side_by_side(images: Sequence[Image.Image]) -> Image.Image:
    """Joins images of one height into a row."""
    row = Image.new("RGB", (sum(image.width for image in images), max(image.height for image in images)))
    left = 0
    for image in images:
        row.paste(image, (left, 0))
        left += image.width
    return row
