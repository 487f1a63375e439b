"""Strength: which part of a schedule is left when a generation begins from an image. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Sequence

from zimage.errors import ConfigError

ROUNDING = 1e-9
"""So that 0.28 of 25 steps are 7, which 7.000000000000001 would make 8."""


def require_strength(strength: float) -> None:
    """Checks a strength.

    Raises:
        ConfigError: it is not above 0 and at most 1.
    """
    if not 0 < strength <= 1:
        raise ConfigError(f"strength must be above 0 and at most 1, got {strength:g}")


def count_steps(forwards: int, strength: float) -> int:
    """Returns the forwards that a strength leaves of so many: ⌈forwards · strength⌉."""
    return max(1, math.ceil(forwards * strength - ROUNDING))


def source_sigmas(forwards: int, strength: float) -> list[float]:
    """Returns unshifted noise levels from the strength down, without the final 0.

    The first level is the strength itself, so every change of it changes the image. Steps are as long as without a
    source, or shorter. With strength 1 the levels are those of text to image, to the bit.

    Args:
        forwards: of the whole schedule.
        strength: 1 for all of it.

    Raises:
        ConfigError: the strength is out of range.
    """
    require_strength(strength)
    steps = count_steps(forwards, strength)
    return [strength * (1 - step / steps) for step in range(steps)]


def tail_of_sigmas(sigmas: Sequence[float], strength: float) -> list[float]:
    """Returns the end of a schedule by the rule of diffusers' ZImageImg2ImgPipeline (0.42.1, `get_timesteps`).

    The order of its float operations is kept: it decides about a step. Several strengths begin at the same level.

    Raises:
        ConfigError: the strength is out of range, or leaves no step.
    """
    if not 0 <= strength <= 1:
        raise ConfigError(f"strength must be from 0 to 1, got {strength:g}")
    count = len(sigmas)
    start = int(max(count - min(count * strength, count), 0))
    if start >= count:
        raise ConfigError(f"strength {strength:g} leaves no step of {count}")
    return list(sigmas[start:])
