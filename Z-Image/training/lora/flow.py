"""Flow matching: what the model is asked at random noise levels, and how wrong it is.

Latents at noise level σ are (1 − σ) · image + σ · noise. The model is told 1 − σ, and predicts image − noise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import mse_loss
from zimage.config import SchedulerConfig
from zimage.inputs import plain_batch
from zimage.scheduler import resolution_shift, shift_sigmas
from zimage.sequence import Patch
from zimage.transformer import ZImageTransformer2DModel


@dataclass(frozen=True)
class Question:
    """A batch as the model sees it.

    Attributes:
        latents: of the images, scaled, (B, C, h, w).
        captions: features (L, cap_feat_dim) of each.
        noise: (B, C, h, w).
        sigmas: noise levels, (B,).
    """

    latents: Tensor
    captions: Sequence[Tensor]
    noise: Tensor
    sigmas: Tensor


def noise_levels(number: int, shift: float, generator: torch.Generator) -> Tensor:
    """Draws levels spread as a schedule of that shift spreads its points: (number,).

    A batch has one from each of so many equal shares, in any order.
    """
    shares = torch.randperm(number, generator=generator) + torch.rand(number, generator=generator)
    return shift_sigmas(shares / number, shift)


def shift_at(config: SchedulerConfig, n_tokens: int) -> float:
    """Returns the shift of a model's schedule at an image size."""
    return resolution_shift(n_tokens, config) if config.use_dynamic_shifting else config.shift


def flow_loss(transformer: ZImageTransformer2DModel, question: Question) -> Tensor:
    """Squared error of the predictions."""
    level = question.sigmas[:, None, None, None]
    noisy = (1 - level) * question.latents + level * question.noise
    rows, columns = noisy.shape[-2:]
    batch = plain_batch([(1, rows, columns)] * len(noisy), question.captions, Patch())
    prepared = transformer.prepare(batch)
    predicted = transformer.predict(list(noisy.unsqueeze(2)), transformer.modulate(1 - question.sigmas), prepared)
    return mse_loss(torch.cat(predicted, dim=1).transpose(0, 1).float(), question.latents - question.noise)
