"""Sampling: the denoising loop, guidance, and the velocity."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from zimage.adapters.controls import Control, ControlRun, PlacedControls
from zimage.adapters.lora_stack import LoraStack
from zimage.inputs import plain_batch
from zimage.scheduler import euler_step
from zimage.sequence import Patch, padded_length
from zimage.transformer import Factors, Prepared, ZImageTransformer2DModel


@dataclass(frozen=True)
class Step:
    """A finished denoising step.

    Attributes:
        done: number of finished forwards.
        total: number of forwards in total.
        sigma: noise level before the step.
        next_sigma: noise level after the step.
        latents: (B, C, h, w) at `next_sigma`, float32.
        estimate: extrapolation of the latents to noise level 0.
    """

    done: int
    total: int
    sigma: float
    next_sigma: float
    latents: Tensor
    estimate: Tensor


OnStep = Callable[[Step], None]
"""Called after each step. An exception ends the generation before decoding."""

Velocity = Callable[[Tensor, int], Tensor]
"""(latents (B, C, h, w), step) → d latents / dσ, in float32."""


Adjust = Callable[[Tensor, int, Tensor], Tensor]
"""(latents (B, C, h, w), finished step, their noise level) → latents that the next step begins from."""


def denoise(
    latents: Tensor,
    sigmas: Tensor,
    velocity: Velocity,
    on_step: OnStep | None = None,
    adjust: Adjust | None = None,
) -> Tensor:
    """Integrates the velocity from noise to latents with Euler steps.

    Args:
        latents: noise, (B, C, h, w), float32.
        sigmas: decreasing noise levels that end with 0, (steps + 1,).
        velocity: velocity of the latents at a step.
        on_step: called after every step; may raise.
        adjust: changes the latents after every step, and their estimate.
    """
    levels = sigmas.tolist()
    for step, (sigma, next_sigma) in enumerate(pairwise(sigmas.to(latents.device))):
        direction = velocity(latents, step)
        before, latents = latents, euler_step(latents, direction, sigma, next_sigma)
        if adjust is not None:
            latents = adjust(latents, step, next_sigma)
        if on_step is not None:
            end = torch.zeros_like(sigma)
            estimate = euler_step(before, direction, sigma, end)
            estimate = estimate if adjust is None else adjust(estimate, step, end)
            on_step(Step(step + 1, len(levels) - 1, levels[step], levels[step + 1], latents, estimate))
    return latents


@dataclass(frozen=True)
class Guidance:
    """Classifier-free guidance (arXiv 2207.12598): pos + scale · (pos − neg).

    Attributes:
        scale: 0 for none. It is 1 below the conventional scale.
        truncation: no guidance at times above this; 1 for all times.
        normalisation: bound of the guided norm, as a multiple of the unguided one; 0 for none.
    """

    scale: float = 0.0
    truncation: float = 1.0
    normalisation: float = 0.0

    def is_on(self, time: float) -> bool:
        """Whether guidance applies at this time."""
        return self.scale > 0 and time <= self.truncation

    def apply(self, positive: Tensor, negative: Tensor) -> Tensor:
        """Combines two predictions (B, C, h, w) in float32."""
        guided = positive + self.scale * (positive - negative)
        if self.normalisation <= 0:
            return guided
        longest = self.normalisation * _length_of_each(positive)
        length = _length_of_each(guided)
        return torch.where(length > longest, guided * (longest / length), guided)


def _length_of_each(predictions: Tensor) -> Tensor:
    lengths: Tensor = torch.linalg.vector_norm(predictions, dim=(1, 2, 3), keepdim=True)
    return lengths


class Predictor:
    """The transformer, prepared for fixed captions and one image size.

    Captions of the same padded length share a batch. No batch is ragged, so no mask is needed. An image does not
    depend on the others of its batch.
    """

    def __init__(
        self,
        transformer: ZImageTransformer2DModel,
        captions: Sequence[Tensor],
        rows: int,
        columns: int,
        controls: ControlRun | None = None,
    ) -> None:
        self._transformer = transformer
        by_length: dict[int, list[int]] = {}
        for index, caption in enumerate(captions):
            by_length.setdefault(padded_length(len(caption)), []).append(index)
        self._batches: list[tuple[list[int], Prepared, PlacedControls | None]] = []
        for indices in by_length.values():
            sizes = [(1, rows, columns)] * len(indices)
            batch = plain_batch(sizes, [captions[index] for index in indices], Patch())
            prepared = transformer.prepare(batch)
            self._batches.append((indices, prepared, None if controls is None else controls.place(indices, prepared)))

    def __call__(self, latents: Tensor, factors: Factors, step: int = 0) -> Tensor:
        """Predicts for every caption, towards the image: (B, C, h, w) → (B, C, h, w) in float32.

        Args:
            latents: one for each caption.
            factors: modulation at the time of the step.
            step: number of the step, on which controls depend.
        """
        framed = latents.unsqueeze(2)
        predictions = torch.empty_like(latents, dtype=torch.float32)
        for indices, prepared, controls in self._batches:
            hints = None if controls is None else controls.at(step)
            predicted = self._transformer.predict([framed[index] for index in indices], factors, prepared, hints)
            for index, prediction in zip(indices, predicted, strict=True):
                predictions[index] = prediction.squeeze(1)
        return predictions


def build_velocity(
    transformer: ZImageTransformer2DModel,
    times: Tensor,
    positive: Sequence[Tensor],
    negative: Sequence[Tensor],
    guidance: Guidance,
    size: tuple[int, int],
    controls: Sequence[Control] = (),
    loras: LoraStack | None = None,
) -> Velocity:
    """Returns the velocity of a schedule; precomputes what all steps share.

    LoRAs change that too: captions, modulation and embedded controls are computed anew where others begin to act.

    Args:
        transformer: the model.
        times: of the steps, (steps,).
        positive: prompt features of each image, (L, cap_feat_dim).
        negative: negative prompt features of each image; unused without guidance.
        guidance: combination of both predictions.
        size: rows and columns of the latents.
        controls: of the images, in all steps between their start and end.
        loras: those of the model; the caller ends with their `rest`.

    Raises:
        ConfigError: a control does not fit.
        LoraError: a LoRA acts at no step.
    """

    def prepare() -> Velocity:
        return _build_for_all(transformer, times, positive, negative, guidance, size, controls)

    if loras is None or not loras.active:
        return prepare()
    loras.require_steps(len(times))
    loras.enter(0, len(times))
    now: list[Velocity] = [prepare()]

    def velocity(latents: Tensor, step: int) -> Tensor:
        if loras.enter(step, len(times)):
            now.clear()  # before another one takes its memory
        if not now:
            now.append(prepare())
        return now[0](latents, step)

    return velocity


def _build_for_all(
    transformer: ZImageTransformer2DModel,
    times: Tensor,
    positive: Sequence[Tensor],
    negative: Sequence[Tensor],
    guidance: Guidance,
    size: tuple[int, int],
    controls: Sequence[Control],
) -> Velocity:
    """Returns the velocity of a schedule of which all steps share what is precomputed."""
    run = ControlRun(controls, transformer, times, len(positive), size) if controls else None
    factors = transformer.modulate(times.to(transformer.device))
    is_on = [guidance.is_on(time) for time in times.tolist()]
    both = Predictor(transformer, [*positive, *negative], *size, run) if any(is_on) else None
    alone = Predictor(transformer, positive, *size, run) if not all(is_on) else None

    def velocity(latents: Tensor, step: int) -> Tensor:
        now = factors.at(step)
        if is_on[step] and both is not None:
            return -guidance.apply(*both(latents.repeat(2, 1, 1, 1), now, step).chunk(2))
        if alone is None:
            raise RuntimeError(f"step {step} was not prepared")
        return -alone(latents, now, step)

    return velocity
