"""Flow matching: noise schedules, and the Euler step (arXiv 2209.03003, 2403.03206).

Latents at noise level σ are (1 − σ) · image + σ · noise. The velocity is d latents / dσ, so a step is a straight line.
Schedules are pure functions; the class holds the configuration of a model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from zimage.config import SchedulerConfig
from zimage.errors import ConfigError


def linear_sigmas(num_inference_steps: int) -> list[float]:
    """Returns evenly spaced noise levels from 1 down, without the final 0.

    N counts the points of the schedule, the image included: 9 points are 8 forwards. N = 1 gives one level too.

    Raises:
        ValueError: N is not positive.
    """
    if num_inference_steps < 1:
        raise ValueError(f"num_inference_steps must be positive, got {num_inference_steps}")
    forwards = max(1, num_inference_steps - 1)
    return [1 - step / forwards for step in range(forwards)]


def shift_sigmas(sigmas: Tensor, shift: float) -> Tensor:
    """Shifts a schedule towards high noise; keeps both endpoints."""
    if shift <= 0:
        raise ValueError(f"shift must be positive, got {shift}")
    return shift * sigmas / (1 + (shift - 1) * sigmas)


def stretch_sigmas(sigmas: Tensor, terminal: float) -> Tensor:
    """Stretches a schedule so that the last level before 0 is `terminal`."""
    distances = 1 - sigmas
    return 1 - distances * ((1 - terminal) / distances[-1])


def resolution_shift(n_tokens: int, config: SchedulerConfig) -> float:
    """Returns the resolution-dependent shift: larger images get more noise.

    The exponent is linear in the number of tokens (arXiv 2403.03206). It is `base_shift` at `base_image_seq_len` and
    `max_shift` at `max_image_seq_len`. Schedules of the type "linear" take the exponent itself.

    Raises:
        ConfigError: `base_shift` or `max_shift` is missing.
    """
    if config.base_shift is None or config.max_shift is None:
        raise ConfigError("use_dynamic_shifting needs base_shift and max_shift")
    slope = (config.max_shift - config.base_shift) / (config.max_image_seq_len - config.base_image_seq_len)
    exponent = n_tokens * slope + (config.base_shift - slope * config.base_image_seq_len)
    return math.exp(exponent) if config.time_shift_type == "exponential" else exponent


def euler_step(latents: Tensor, velocity: Tensor, sigma: Tensor, next_sigma: Tensor) -> Tensor:
    """Euler step from one noise level to the next."""
    return latents + (next_sigma - sigma) * velocity


class FlowMatchEulerDiscreteScheduler:
    """Noise schedule of a model, as in its `scheduler_config.json`."""

    def __init__(self, **published_config: object) -> None:
        """Takes the entries of `scheduler/scheduler_config.json`.

        Raises:
            ConfigError: an entry is unknown, or asks for an unsupported schedule.
        """
        self.config = SchedulerConfig.from_dict(published_config)
        foreign = ("invert_sigmas", "use_karras_sigmas", "use_exponential_sigmas", "use_beta_sigmas")
        for name in (*foreign, "stochastic_sampling"):
            if getattr(self.config, name):
                raise ConfigError(f"{name} must be false: no model of the family uses it")

    def sigmas(self, unshifted: Sequence[float], n_tokens: int) -> Tensor:
        """Returns the shifted noise levels and the final 0: (len(unshifted) + 1,), float32, CPU.

        Args:
            unshifted: decreasing levels in (0, 1], see `linear_sigmas`.
            n_tokens: number of image patches; used by dynamic shifts only.

        Raises:
            ValueError: the levels do not decrease, or are outside of (0, 1].
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
        """Returns the model's times of all levels but the final 0; 0 is noise, 1 the image.

        Rounded as in training, where levels are counted in `num_train_timesteps`.
        """
        steps = self.config.num_train_timesteps
        return (steps - sigmas[:-1] * steps) / steps
