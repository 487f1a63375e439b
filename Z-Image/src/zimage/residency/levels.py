"""What stays on the device, and what comes when it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from zimage.errors import ConfigError

TextEncoderLevel = Literal["resident", "out", "streamed"]
VaeLevel = Literal["resident", "out"]


@dataclass(frozen=True)
class Residency:
    """Residency of a model's weights. What is not on the device is in the main memory.

    Attributes:
        resident_blocks: transformer blocks whose matrices stay on the device; those of the others are streamed. None
            for all.
        text_encoder: `resident`, `out` (on the device while prompts are encoded) or `streamed` (layer by layer).
        vae: `resident`, or `out` (on the device while it decodes).
    """

    resident_blocks: int | None = None
    text_encoder: TextEncoderLevel = "resident"
    vae: VaeLevel = "resident"

    def __post_init__(self) -> None:
        """Validates the levels."""
        if self.resident_blocks is not None and self.resident_blocks < 0:
            raise ConfigError(f"resident_blocks must be 0 or more, or None for all, got {self.resident_blocks}")
        for name, value, allowed in (
            ("text_encoder", self.text_encoder, get_args(TextEncoderLevel)),
            ("vae", self.vae, get_args(VaeLevel)),
        ):
            if value not in allowed:
                raise ConfigError(f"residency of the {name} must be one of {', '.join(allowed)}, got {value!r}")


WHOLE = Residency()
"""Everything stays on the device."""


def choose_streamed(n_often: int, n_once: int, n_resident: int) -> tuple[frozenset[int], frozenset[int]]:
    """Chooses the blocks to stream: first those that run once an image, then evenly spread ones of the others.

    A block that stays hides the copy of the next one that does not.

    Args:
        n_often: blocks that run at every step.
        n_once: blocks that run once an image.
        n_resident: blocks that stay.

    Returns:
        Indices of streamed blocks among those that run at every step, and among those that run once.
    """
    n_streamed = max(0, n_often + n_once - n_resident)
    once = min(n_streamed, n_once)
    often = n_streamed - once
    spread = (i for i in range(n_often) if (i + 1) * often // n_often > i * often // n_often)
    return frozenset(spread), frozenset(range(once))
