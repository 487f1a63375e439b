"""Flow matching: the noise levels of an image, and one Euler step between two of them.

Latents at noise level σ are (1 − σ) · image + σ · noise. The model predicts the velocity d latents / dσ, so that a
step to a lower level is a straight line. Schedules are pure functions; the class holds what the model's file says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from zimage.config import SchedulerConfig
from zimage.errors import ConfigError


def linear_sigmas(num_inference_steps: int) -> list[float]:
    """Returns evenly falling noise levels from 1, without the final 0.

    N counts the points of the schedule: N = 9 are 8 levels to predict at, and the image. A single point is 1.

    Raises:
        ValueError: N is not positive.
    """
    if num_inference_steps < 1:
        raise ValueError(f"num_inference_steps must be positive, got {num_inference_steps}")
    forwards = max(1, num_inference_steps - 1)
    return [1 - step / forwards for step in range(forwards)]


def shift_sigmas(sigmas: Tensor, shift: float) -> Tensor:
    """Moves a schedule towards high noise; keeps both endpoints."""
    if shift <= 0:
        raise ValueError(f"shift must be positive, got {shift}")
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def stretch_sigmas(sigmas: Tensor, terminal: float) -> Tensor:
    """Stretches a schedule so that its last level, before 0, is `terminal`."""
    distances = 1 - sigmas
    return 1 - distances * ((1 - terminal) / distances[-1])


def resolution_shift(n_tokens: int, config: SchedulerConfig) -> float:
    """Returns the shift for an image of so many tokens: more noise for larger images.

    The exponent is linear in the tokens, from `base_shift` at `base_image_seq_len` to `max_shift` at
    `max_image_seq_len`; schedules of the type "linear" take the exponent itself (arXiv 2403.03206).

    Raises:
        ConfigError: the configuration names no range.
    """
    if config.base_shift is None or config.max_shift is None:
        raise ConfigError("use_dynamic_shifting needs base_shift and max_shift")
    slope = (config.max_shift - config.base_shift) / (config.max_image_seq_len - config.base_image_seq_len)
    exponent = n_tokens * slope + (config.base_shift - slope * config.base_image_seq_len)
    return math.exp(exponent) if config.time_shift_type == "exponential" else exponent


def euler_step(latents: Tensor, velocity: Tensor, sigma: Tensor, next_sigma: Tensor) -> Tensor:
    """Goes along the velocity from one noise level to the next; the level 0 is the image."""
    return latents + (next_sigma - sigma) * velocity


class FlowMatchEulerDiscreteScheduler:
    """The noise levels that a model was trained for."""

    def __init__(self, **published_config: object) -> None:
        """Takes the entries of `scheduler/scheduler_config.json`.

        Raises:
            ConfigError: an entry is unknown, or asks for a schedule that no model of the family has.
        """
        self.config = SchedulerConfig.from_dict(published_config)
        foreign = ("invert_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
        for name in (*foreign, "stochastic_sampling"):
            if getattr(self.config, name):
                raise ConfigError(f"{name} must be false: no model of the family uses it")

    def sigmas(self, unshifted: Sequence[float], n_tokens: int) -> Tensor:
        """Returns the shifted noise levels with the final 0: (len(unshifted) + 1,) in float32, on the CPU.

        Args:
            unshifted: falling levels in (0, 1], see `linear_sigmas`.
            n_tokens: patches of the image; they count for dynamic shifts only.

        Raises:
            ValueError: the levels do not fall, or are not in (0, 1].
        """
        config = self.config
        levels = torch.tensor(unshifted, dtype=torch.float32)
        if not len(levels) or not 0 < levels[-1] <= levels[0] <= 1 or bool((levels.diff() >= 0).any()):
            raise ValueError(f"sigmas must fall within (0, 1], got {list(unshifted)}")
        shift = resolution_shift(n_tokens, config) if config.use_dynamic_shifting else config.shift
        levels = shift_sigmas(levels, shift)
        if config.shift_terminal:
            levels = stretch_sigmas(levels, config.shift_terminal)
        return torch.cat((levels, torch.zeros(1)))

    def times(self, sigmas: Tensor) -> Tensor:
        """Returns the model's times of all levels but the final 0: 0 is noise, 1 the image.

        Rounded as in training, where a level is a number of steps; the model multiplies what is left by 1000.
        """
        steps = self.config.num_train_timesteps
        return (steps - sigmas[:-1] * steps) / steps
