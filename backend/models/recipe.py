"""What makes an image: said once, extended by the history's record, the file's metadata and a worker's job."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

MAX_SEED = 2**53 - 1
"""Largest integer that a JavaScript client reads without rounding."""
MAX_RECORDED_STEPS = 10_000
"""Other programs allow more steps than this one; above this it is no number of steps."""
MAX_NAME_CHARACTERS = 255
"""Of a model, which is the name of a folder, and of a device."""


class Frozen(BaseModel):
    """An immutable value."""

    model_config = ConfigDict(frozen=True)


class Recipe(Frozen):
    """Everything that makes one image: the same recipe gives the same pixels."""

    prompt: str
    negative_prompt: str = ""
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    num_inference_steps: int = Field(ge=1, le=MAX_RECORDED_STEPS)
    guidance_scale: float = Field(default=0.0, allow_inf_nan=False)
    shift: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    """How far the schedule is moved towards high noise; None for the model's own shift."""
    seed: int = Field(ge=0, le=MAX_SEED)
    model: str = Field(max_length=MAX_NAME_CHARACTERS)

    @property
    def forwards(self) -> int:
        """Calls of the model for one image."""
        return count_forwards(self.num_inference_steps)


def count_forwards(num_inference_steps: int) -> int:
    """Returns how often the model runs: N counts the points of the schedule, the last of which is the image."""
    return max(1, num_inference_steps - 1)
