"""What makes an image: said once, extended by the history's record, the file's metadata and a worker's job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MAX_SEED = 2**53 - 1
"""Largest integer that a JavaScript client reads without rounding."""
MAX_RECORDED_STEPS = 10_000
"""Other programs allow more steps than this one; above this it is no number of steps."""
MAX_NAME_CHARACTERS = 255
"""Of a model, which is the name of a folder, and of a device."""


MAX_GROWTH_PX = 2048
"""Of each side, when an image is extended."""


class Frozen(BaseModel):
    """An immutable value."""

    model_config = ConfigDict(frozen=True)


INPUT_ID_PATTERN = r"^[0-9a-f]{64}$"
InputId = Annotated[str, Field(pattern=INPUT_ID_PATTERN, description="Id of an input: a digest of its pixels.")]
MaskMode = Literal["whole", "only_masked"]


class Outpaint(BaseModel):
    """Pixels that an image grows by on each side."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    top: int = Field(default=0, ge=0, le=MAX_GROWTH_PX)
    right: int = Field(default=0, ge=0, le=MAX_GROWTH_PX)
    bottom: int = Field(default=0, ge=0, le=MAX_GROWTH_PX)
    left: int = Field(default=0, ge=0, le=MAX_GROWTH_PX)


class Control(Frozen):
    """An image that guides the composition, through a control network."""

    image: InputId
    kind: str = Field(max_length=MAX_NAME_CHARACTERS)
    """What is made of the image: a preprocessor's name, or `finished` where it is a control image already."""
    model: str = Field(max_length=MAX_NAME_CHARACTERS)
    """Name of the control network."""
    scale: float = Field(allow_inf_nan=False)
    start: float = 0.0
    """Share of the schedule after which it counts, and at which it ends."""
    end: float = 1.0


def _unless(is_default: Callable[[Any], bool], default: object = None) -> Any:
    """A field that is left out of the JSON where it has its default: text to image reads as it always has."""
    return Field(default=default, exclude_if=is_default)


def _optional() -> Any:
    return _unless(lambda value: value is None)


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
    init_image: InputId | None = _optional()
    """What is drawn from."""
    strength: float | None = _optional()
    """How much of it is drawn anew, 0–1; 1 is text to image."""
    mask: InputId | None = _optional()
    """Of the size of the initial image: white is drawn anew, black stays, a grey is that pixel's strength."""
    mask_mode: MaskMode | None = _optional()
    """Whether the whole image is drawn, or what is masked alone, enlarged."""
    feather: int | None = _optional()
    """Pixels over which old and new blend into each other."""
    outpaint: Outpaint | None = _optional()
    upscale: float | None = _optional()
    """How many times larger the image becomes, drawn in tiles."""
    control: tuple[Control, ...] = _unless(lambda value: not value, ())

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of all images that it is drawn from, each once."""
        found = (self.init_image, self.mask, *(control.image for control in self.control))
        return tuple(dict.fromkeys(input_id for input_id in found if input_id is not None))

    @property
    def forwards(self) -> int:
        """Calls of the model for one image."""
        return count_forwards(self.num_inference_steps)


def count_forwards(num_inference_steps: int) -> int:
    """Returns how often the model runs: N counts the points of the schedule, the last of which is the image."""
    return max(1, num_inference_steps - 1)
