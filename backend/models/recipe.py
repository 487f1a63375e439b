"""What makes an image: said once, extended by the history's record, the file's metadata and a worker's job."""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

MAX_SEED = 2**53 - 1
"""Largest integer that a JavaScript client reads without rounding."""
MAX_RECORDED_STEPS = 10_000
"""Other programs allow more steps than this one; above this it is no number of steps."""
MAX_NAME_CHARACTERS = 255
"""Of a model, which is the name of a folder, and of a device."""


class Frozen(BaseModel):
    """An immutable value."""

    model_config = ConfigDict(frozen=True)


INPUT_ID_PATTERN = r"^[0-9a-f]{64}$"
InputId = Annotated[str, Field(pattern=INPUT_ID_PATTERN, description="Id of an input: a digest of its pixels.")]
MaskMode = Literal["whole", "only_masked"]
"""What of an image with a mask is drawn: all of it, or what the mask covers, as large as the model draws."""
MAX_FEATHER_PX = 512
MAX_MARGIN_PX = 2048
MAX_UPSCALED_SIDE_PX = 8192
DEFAULT_STRENGTH, DEFAULT_MASKED_STRENGTH, DEFAULT_OUTPAINT_STRENGTH, DEFAULT_UPSCALE_STRENGTH = 0.6, 0.75, 0.5, 0.3


def is_none(value: object) -> bool:
    """Tells whether a field is to be left out of JSON."""
    return value is None


def is_false(value: object) -> bool:
    """Tells whether a field is to be left out of JSON."""
    return value is False


class Outpaint(BaseModel):
    """Pixels to add on each side of the image, in its own scale."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    top: int = Field(default=0, ge=0, le=MAX_MARGIN_PX)
    right: int = Field(default=0, ge=0, le=MAX_MARGIN_PX)
    bottom: int = Field(default=0, ge=0, le=MAX_MARGIN_PX)
    left: int = Field(default=0, ge=0, le=MAX_MARGIN_PX)


class Upscale(Frozen):
    """Size of an image that is enlarged and drawn over in tiles; a tile has the recipe's own size."""

    width: int = Field(gt=0, le=MAX_UPSCALED_SIDE_PX)
    height: int = Field(gt=0, le=MAX_UPSCALED_SIDE_PX)
    factor: float | None = Field(default=None, gt=1, allow_inf_nan=False, exclude_if=is_none)
    """What was asked for."""


ControlKind = Literal["canny", "lines", "scribble", "grey", "tile", "blur", "depth", "pose", "finished"]
"""What a control image is made with; `finished` takes it as it is."""
AnnotatedKind = Literal["depth", "pose"]
ANNOTATED: tuple[AnnotatedKind, ...] = get_args(AnnotatedKind)
"""Those that need a model."""
INPAINT: Literal["inpaint"] = "inpaint"
"""Kind of a control that has no image but what the mask keeps."""
OptionName = Annotated[str, Field(pattern=r"^[a-z_]{1,20}$")]
"""Of a preprocessor."""
MAX_CONTROL_SCALE = 2.0
MAX_CONTROLS = 4
MAX_REFERENCES = 8


class ControlUse(Frozen):
    """A ControlNet, and the image that it holds the drawn one to."""

    image: InputId
    kind: ControlKind | Literal["inpaint"] = Field(
        default="finished",
        description="What makes the control image of it; `finished` takes the image as it is, `inpaint` none.",
    )
    options: dict[OptionName, FiniteFloat] | None = Field(
        default=None, max_length=4, description="Of the kind, for example `low` and `high` of `canny`."
    )
    model: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="Name of the ControlNet's file.")
    scale: float = Field(
        default=0.75, ge=0, le=MAX_CONTROL_SCALE, allow_inf_nan=False, description="How strongly it acts."
    )
    start: float = Field(default=0.0, ge=0, lt=1, description="Fraction of the steps after which it acts.")
    end: float = Field(default=1.0, gt=0, le=1, description="Fraction of the steps until which it acts.")
    inpaint: bool = Field(
        default=False, exclude_if=is_false, description="Whether it is shown the mask, and the image around it."
    )

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a control starts before it ends")
        return self


MAX_LORA_STRENGTH = 10.0
MAX_LORAS = 16
SHORT_HASH_PATTERN = r"^[0-9a-f]{8,64}$"


class LoraUse(Frozen):
    """A LoRA, and how strongly it acts."""

    name: str = Field(min_length=1, max_length=MAX_NAME_CHARACTERS, description="Stem of its file.")
    strength: float = Field(
        default=1.0, ge=-MAX_LORA_STRENGTH, le=MAX_LORA_STRENGTH, allow_inf_nan=False, description="0 is without it."
    )
    start: float = Field(default=0.0, ge=0, lt=1, description="Fraction of the steps after which it acts.")
    end: float = Field(default=1.0, gt=0, le=1, description="Fraction of the steps until which it acts.")
    sha256: str | None = Field(
        default=None, pattern=INPUT_ID_PATTERN, exclude_if=is_none, description="Of its file, which may be renamed."
    )
    short_hash: str | None = Field(
        default=None,
        pattern=SHORT_HASH_PATTERN,
        exclude_if=is_none,
        description="Beginning of the SHA-256 of its values (AutoV3) or of its file, as other programs write it.",
    )

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Self:
        if self.start >= self.end:
            raise ValueError("a LoRA starts before it ends")
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
        exclude_if=is_none,
        description="ControlNets that act on the image; absent without any.",
    )
    loras: tuple[LoraUse, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_LORAS,
        exclude_if=is_none,
        description="LoRAs that act on the image; absent without any.",
    )

    references: tuple[InputId, ...] | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_REFERENCES,
        exclude_if=is_none,
        description="Images that the Omni variant draws from, in their order; absent without any.",
    )

    # Of images that begin from another one; what is None is left out of JSON, so that other records stay as they were.
    init_image: InputId | None = Field(default=None, exclude_if=is_none, description="Image that it begins from.")
    strength: float | None = Field(
        default=None,
        gt=0,
        le=1,
        allow_inf_nan=False,
        exclude_if=is_none,
        description="Share of the schedule that is drawn; null for the default of what is done with the image.",
    )
    mask: InputId | None = Field(
        default=None, exclude_if=is_none, description="White is repainted, black is kept, grey is repainted less."
    )
    mask_mode: MaskMode | None = Field(
        default=None, exclude_if=is_none, description="What is drawn of an image with a mask; null for `whole`."
    )
    feather: int | None = Field(
        default=None,
        ge=0,
        le=MAX_FEATHER_PX,
        exclude_if=is_none,
        description="How far the new image fades out around the mask, in pixels of the image.",
    )
    outpaint: Outpaint | None = Field(default=None, exclude_if=is_none, description="Canvas to add.")
    upscale: Upscale | None = Field(default=None, exclude_if=is_none, description="Size to enlarge the image to.")
    base: InputId | None = Field(
        default=None,
        exclude_if=is_none,
        description="Image that `init_image` was painted on: where it comes from; nothing is drawn of it.",
    )

    @property
    def inputs(self) -> tuple[str, ...]:
        """Ids of all images that it is drawn from, each once."""
        found = (self.init_image, self.mask, *(use.image for use in self.control or ()), *(self.references or ()))
        return tuple(dict.fromkeys(input_id for input_id in found if input_id is not None))

    @property
    def origins(self) -> tuple[str, ...]:
        """Ids of all images that it comes from, each once: what it is drawn from, and what that was painted on."""
        return tuple(dict.fromkeys((*self.inputs, *([] if self.base is None else [self.base]))))

    @property
    def drawn_strength(self) -> float:
        """Share of the schedule that is drawn; 1 without an image."""
        if self.init_image is None:
            return 1.0
        if self.strength is not None:
            return self.strength
        if self.upscale is not None:
            return DEFAULT_UPSCALE_STRENGTH
        if self.outpaint is not None:
            return DEFAULT_OUTPAINT_STRENGTH
        return DEFAULT_STRENGTH if self.mask is None else DEFAULT_MASKED_STRENGTH

    @property
    def tile_overlap(self) -> int:
        """Pixels by which tiles overlap: the more is redrawn, the more."""
        wanted = 64 if self.drawn_strength <= 0.5 else 128
        return min(wanted, min(self.width, self.height) // 64 * 32)

    @property
    def draws(self) -> int:
        """How often the model draws for one image: once, or once a tile."""
        if self.upscale is None or self.init_image is None:
            return 1
        overlap = self.tile_overlap
        columns = count_tiles(self.upscale.width, self.width, overlap)
        return columns * count_tiles(self.upscale.height, self.height, overlap)

    @property
    def forwards(self) -> int:
        """Calls of the model for one image."""
        of_all = count_forwards(self.num_inference_steps)
        if self.init_image is None:
            return of_all
        return self.draws * max(1, math.ceil(of_all * self.drawn_strength - _ROUNDING))


_ROUNDING = 1e-9
"""As in `zimage.conditions.strength`: 0.28 of 25 steps are 7, not 7.000000000000001."""


def count_tiles(length: int, side: int, overlap: int) -> int:
    """Returns how many tiles of a side cover a length."""
    return 1 if length <= side else 1 + math.ceil((length - side) / (side - overlap))


def count_forwards(num_inference_steps: int) -> int:
    """Returns how often the model runs: N counts the points of the schedule, the last of which is the image."""
    return max(1, num_inference_steps - 1)
