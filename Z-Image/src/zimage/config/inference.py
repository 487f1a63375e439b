"""How an image is asked for; the defaults are those of Z-Image-Turbo."""

from __future__ import annotations

from dataclasses import dataclass

from zimage.config.base import Config

SIZE_MULTIPLE = 16
MAX_SIDE_PX = 8192  # 512 patches of 16 pixels: the family knows no more positions along a side
MAX_CAPTION_TOKENS = 512
LARGEST_SEED = 2**53 - 1  # JSON keeps no larger whole number everywhere


@dataclass(frozen=True)
class InferenceSettings(Config):
    """One request to the pipeline.

    Attributes:
        num_inference_steps: points of the schedule, the image included: 9 points are 8 forwards.
        guidance_scale: 0 turns guidance off; above 0 each step takes two predictions.
        cfg_truncation: guidance is off for times above this; 1 keeps it on.
        cfg_normalization: bound of the guided prediction's norm, as a multiple of the unguided one; 0 for none.
        max_sequence_length: tokens of the templated prompt that are kept.
        seed: of the first image's noise; None draws one.
    """

    height: int = 1024
    width: int = 1024
    num_inference_steps: int = 9
    guidance_scale: float = 0.0
    negative_prompt: str | None = None
    cfg_truncation: float = 1.0
    cfg_normalization: float = 0.0
    max_sequence_length: int = MAX_CAPTION_TOKENS
    num_images_per_prompt: int = 1
    seed: int | None = None

    def __post_init__(self) -> None:
        """Validates the settings."""
        for name in ("height", "width"):
            self._require_side(name, getattr(self, name))
        for name in ("num_inference_steps", "num_images_per_prompt", "max_sequence_length"):
            self._require(getattr(self, name) > 0, f"{name} must be positive, got {getattr(self, name)}")
        self._require(
            self.max_sequence_length <= MAX_CAPTION_TOKENS,
            f"max_sequence_length is at most {MAX_CAPTION_TOKENS}, got {self.max_sequence_length}",
        )
        self._require(
            self.seed is None or 0 <= self.seed <= LARGEST_SEED,
            f"seed must be from 0 to {LARGEST_SEED}, got {self.seed}",
        )
        for name in ("guidance_scale", "cfg_truncation", "cfg_normalization"):
            self._require(getattr(self, name) >= 0, f"{name} cannot be negative, got {getattr(self, name)}")

    def _require_side(self, name: str, side_px: int) -> None:
        self._require(
            SIZE_MULTIPLE <= side_px <= MAX_SIDE_PX and side_px % SIZE_MULTIPLE == 0,
            f"{name} must be a multiple of {SIZE_MULTIPLE} from {SIZE_MULTIPLE} to {MAX_SIDE_PX}, got {side_px}",
        )
