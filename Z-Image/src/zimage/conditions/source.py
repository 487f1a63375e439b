"""A source image in the sampler: where the latents begin, and what a mask keeps of it after every step."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from zimage.conditions.strength import require_strength, source_sigmas
from zimage.errors import ConfigError
from zimage.sampling import Adjust
from zimage.scheduler import linear_sigmas


@dataclass(frozen=True)
class Source:
    """The image that a generation begins from.

    Attributes:
        latents: clean and scaled, (1, C, h, w) for all images or (B, C, h, w).
        strength: share of the schedule that is run; 1 begins with pure noise.
        mask: share of the strength that each place gets, (1, 1, h, w) or (B, 1, h, w) in 0…1; 0 keeps the image.
    """

    latents: Tensor
    strength: float = 1.0
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        """Validates strength and shapes."""
        require_strength(self.strength)
        if self.mask is not None and self.mask.shape != (len(self.mask), 1, *self.latents.shape[-2:]):
            raise ConfigError(
                f"the mask must have the shape (B, 1, {', '.join(map(str, self.latents.shape[-2:]))}), "
                f"got {tuple(self.mask.shape)}"
            )

    def fitting(self, noise: Tensor) -> Source:
        """Returns the source on the noise's device, in float32.

        Raises:
            ConfigError: it is of another size, or for another number of images.
        """
        for name, given, channels in (("latents", self.latents, noise.shape[1]), ("mask", self.mask, 1)):
            if given is not None and given.shape not in (
                (count, channels, *noise.shape[2:]) for count in (1, len(noise))
            ):
                raise ConfigError(
                    f"the {name} of a source must have the shape {(len(noise), channels, *noise.shape[2:])} or be "
                    f"one for all images, got {tuple(given.shape)}"
                )
        mask = None if self.mask is None else self.mask.to(noise.device, torch.float32)
        return Source(self.latents.to(noise.device, torch.float32), self.strength, mask)

    def at(self, sigma: Tensor | float, noise: Tensor) -> Tensor:
        """Returns the image's latents at a noise level: σ · noise + (1 − σ) · image."""
        return sigma * noise + (1 - sigma) * self.latents

    def begin(self, noise: Tensor, sigma: Tensor | float) -> Tensor:
        """Returns the latents before the first step; at strength 1 the noise as it is."""
        return noise if self.strength == 1 else self.at(sigma, noise)

    def keeper(self, noise: Tensor, steps: int) -> Adjust | None:
        """Returns what brings the kept places back after each step; None without a mask.

        A place of the value v takes part in the last v · steps steps, a fraction of one in proportion. So a grey that
        is the same everywhere is the strength v, and 0 and 1 are a hard mask, as in diffusers' ZImageInpaintPipeline:
        (1 − m) · (σ · noise + (1 − σ) · image) + m · latents.
        """
        if self.mask is None:
            return None
        joined = self.mask * steps

        def keep(latents: Tensor, step: int, sigma: Tensor) -> Tensor:
            share = (joined - (steps - 1 - step)).clamp(0, 1)
            return (1 - share) * self.at(sigma, noise) + share * latents

        return keep


def unshifted_sigmas(num_inference_steps: int, source: Source | None) -> list[float]:
    """Returns unshifted noise levels without the final 0; those of a source begin at its strength."""
    whole = linear_sigmas(num_inference_steps)
    return whole if source is None else source_sigmas(len(whole), source.strength)


def begin(source: Source | None, noise: Tensor, sigmas: Tensor) -> tuple[Tensor, Adjust | None]:
    """Returns the latents before the first step, and what a mask keeps after each one.

    Args:
        source: None for text to image.
        noise: (B, C, h, w).
        sigmas: shifted noise levels, the final 0 included, (steps + 1,).

    Raises:
        ConfigError: the source is of another size, or for another number of images.
    """
    if source is None:
        return noise, None
    fitting = source.fitting(noise)
    return fitting.begin(noise, float(sigmas[0])), fitting.keeper(noise, len(sigmas) - 1)


def mask_to_latents(mask: Tensor, cell: int) -> Tensor:
    """Brings a mask to the latents: each gets the largest value of its pixels, so all that is to change can.

    Args:
        mask: (B, 1, H, W) in 0…1.
        cell: pixels along the side of a latent.
    """
    return F.max_pool2d(mask, cell)


def mask_to_latents_as_diffusers(mask: Tensor, cell: int) -> Tensor:
    """Brings a mask to the latents as diffusers' ZImageInpaintPipeline does: hard, and by its nearest pixel."""
    hard = (mask >= 0.5).to(mask.dtype)
    return F.interpolate(hard, [side // cell for side in mask.shape[-2:]], mode="nearest")
