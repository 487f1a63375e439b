"""What makes an image: said once, extended by the history's record, the file's metadata and a worker's job."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

MAX_SEED = 2**53 - 1
"""Largest integer that a JavaScript client reads without rounding."""
MAX_RECORDED_STEPS = 10_000
"""Other programs allow more steps than this one; above this it is no number of steps."""
MAX_NAME_CHARACTERS = 255
"""Of a model, which is the name of a folder, and of a device."""


class Frozen(BaseModel):
    """An immutable value."""

    model_config = ConfigDict(frozen=True)


ControlKind = Literal["canny", "lines", "scribble", "grey", "tile", "blur", "finished"]
"""What a control image is made with; `finished` takes it as it is."""
MAX_CONTROL_SCALE = 2.0
MAX_CONTROLS = 4


class ControlUse(Frozen):
    """A ControlNet, and the image that it holds the drawn one to."""

    image: str = Field(pattern=r"^[0-9a-f]{32,64}$", description="Content id of the image.")
    kind: ControlKind = Field(
        default="finished", description="What makes the control image of it; `finished` takes the image as it is."
    )
    options: dict[str, float] | None = Field(
        default=None, max_length=4, description="Of the kind, for example `low` and `high` of `canny`."
    )
    model: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="Name of the ControlNet's file.")
    scale: float = Field(
        default=0.75, ge=0, le=MAX_CONTROL_SCALE, allow_inf_nan=False, description="How strongly it acts."
    )
    start: float = Field(default=0.0, ge=0, lt=1, description="Fraction of the steps after which it acts.")
    end: float = Field(default=1.0, gt=0, le=1, description="Fraction of the steps until which it acts.")

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a control starts before it ends")
        return self


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
    control: tuple[ControlUse, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_CONTROLS,
        exclude_if=lambda control: control is None,
        description="ControlNets that act on the image; absent without any.",
    )

    @property
    def forwards(self) -> int:
        """Calls of the model for one image."""
        return count_forwards(self.num_inference_steps)


def count_forwards(num_inference_steps: int) -> int:
    """Returns how often the model runs: N counts the points of the schedule, the last of which is the image."""
    return max(1, num_inference_steps - 1)
