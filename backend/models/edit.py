"""Fields of a request that draws from images."""

from __future__ import annotations

import re
from typing import Annotated, Literal, cast

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from backend.models.recipe import (
    ANNOTATED,
    INPAINT,
    INPUT_ID_PATTERN,
    MAX_CONTROL_SCALE,
    MAX_CONTROLS,
    MAX_NAME_CHARACTERS,
    MAX_REFERENCES,
    ControlKind,
    InputId,
    MaskMode,
    OptionName,
    Outpaint,
)

ID_PATTERN = r"^[0-9a-f]{32}$"
Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
Options = dict[OptionName, FiniteFloat]

MAX_FEATHER_PX = 256
MAX_UPSCALE = 4.0


def _is_none(value: object) -> bool:
    return value is None


def _is_empty(value: list[object]) -> bool:
    return not value


def _refused(message: str) -> PydanticCustomError:
    return PydanticCustomError("edit", message)


_FAULTY = object()
"""Stands for a field that was refused itself: what depends on it is not complained about."""


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class FromHistory(_Body):
    """An image of the history, as what is drawn from."""

    image_id: Identifier = Field(description="Id of an image of the history.")


class FromInput(_Body):
    """A kept input, as what is drawn from."""

    input_id: InputId


_NAMES = {"input_id": INPUT_ID_PATTERN, "image_id": ID_PATTERN}


def _check_source(value: object) -> object:
    """Says in one sentence what neither of the two kinds would say alone."""
    if isinstance(value, FromInput | FromHistory):
        return value
    if isinstance(value, dict) and len(value) == 1:
        [(name, named)] = value.items()
        if name in _NAMES and isinstance(named, str) and re.fullmatch(_NAMES[name], named):
            return value
    raise PydanticCustomError(
        "image_source",
        'This must be {"input_id": …} with an id from POST /api/inputs, or {"image_id": …} with one of the history.',
    )


ImageSource = Annotated[FromInput | FromHistory, BeforeValidator(_check_source)]
"""A kept input, or an image of the history."""


class UpscaleRequest(_Body):
    """How much larger an image becomes, drawn in tiles."""

    factor: float = Field(gt=1, le=MAX_UPSCALE, allow_inf_nan=False, description="Of each side.")


ControlCondition = Literal[
    "finished", "canny", "lines", "scribble", "grey", "tile", "blur", "depth", "pose", "hed", "inpaint"
]
Preprocessor = Literal["none", "finished", "canny", "lines", "scribble", "grey", "tile", "blur", "depth", "pose"]


class ControlRequest(_Body):
    """An image that guides the composition, through a control network."""

    kind: ControlCondition = Field(
        default="finished",
        description="What the control image shows; `depth` and `pose` are made where a model for them is here (see "
        "`preprocessors` in /api/capabilities), `hed` must be sent as a finished one, `inpaint` has no image but what "
        "the mask keeps.",
    )
    image: ImageSource | None = Field(
        default=None,
        validate_default=True,
        exclude_if=_is_none,
        description="What guides; left out for `inpaint` alone.",
    )
    inpaint: bool | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Whether the network is shown the mask, and the image around it: null where it reads a mask and "
        "there is one.",
    )
    preprocessor: Preprocessor | None = Field(
        default=None,
        validate_default=True,
        description="What makes it of the image: null for that of the kind, `none` where the image is finished.",
    )
    model: str = Field(
        default="auto",
        min_length=1,
        max_length=MAX_NAME_CHARACTERS,
        description="A control network of /api/models, or `auto`.",
    )
    options: Options | None = Field(
        default=None, max_length=4, description="Of the kind, for example `low` and `high` of `canny`."
    )
    scale: float = Field(default=0.8, ge=0, le=MAX_CONTROL_SCALE, allow_inf_nan=False)
    start: float = Field(default=0.0, ge=0, lt=1, allow_inf_nan=False, description="Share of the steps before it.")
    end: float = Field(default=1.0, gt=0, le=1, allow_inf_nan=False, description="Share of the steps at its end.")

    @field_validator("image")
    @classmethod
    def _is_given(cls, value: ImageSource | None, info: ValidationInfo) -> ImageSource | None:
        kind = info.data.get("kind", _FAULTY)
        if value is None and kind not in (INPAINT, _FAULTY):
            raise _refused('This is needed: {"input_id": …} or {"image_id": …}; only the kind `inpaint` has none.')
        if value is not None and kind == INPAINT:
            raise _refused("The kind `inpaint` takes no image: it sees `init_image` around the mask.")
        return value

    @field_validator("inpaint")
    @classmethod
    def _inpaints(cls, value: bool | None, info: ValidationInfo) -> bool | None:
        if value is False and info.data.get("kind") == INPAINT:
            raise _refused("The kind `inpaint` does nothing else: leave this out.")
        return value

    @field_validator("preprocessor")
    @classmethod
    def _can_be_made(cls, value: str | None, info: ValidationInfo) -> str | None:
        kind = info.data.get("kind")
        if kind == "hed" and value not in ("none", "finished"):
            raise _refused("There is no model here that makes such images: send a finished one, and `none` here.")
        if kind in ANNOTATED and value not in (None, kind, "none", "finished"):
            raise _refused(
                f"Such images are made by `{kind}`; leave this out, or say `none` where it is a finished one."
            )
        return value

    @property
    def made_with(self) -> ControlKind | Literal["inpaint"]:
        """What makes the control image."""
        if self.kind == INPAINT:
            return INPAINT
        wanted = self.preprocessor or self.kind
        return "finished" if wanted in ("none", "hed") else cast("ControlKind", wanted)

    @field_validator("end")
    @classmethod
    def _ends_after_its_start(cls, value: float, info: ValidationInfo) -> float:
        if value <= info.data.get("start", 0.0):
            raise _refused("This must be above `start`.")
        return value


class ControlImageRequest(_Body):
    """Asks for the control image that a preprocessor makes of an image."""

    image: ImageSource
    kind: ControlKind
    options: Options | None = Field(
        default=None, max_length=4, description="Of the kind, for example `low` and `high` of `canny`."
    )


class MaskImageRequest(_Body):
    """Asks for the mask that the transparency of an image is."""

    image: ImageSource


class EditRequest(BaseModel):
    """What of a request says how an image is drawn from others; nothing of it is text to image."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    init_image: ImageSource | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Draw from this image; the result has its size. See POST /api/inputs.",
    )
    strength: float | None = Field(
        default=None,
        exclude_if=_is_none,
        gt=0,
        le=1,
        allow_inf_nan=False,
        description="How much of the image is drawn anew; 1 is text to image. Null for what suits the request.",
    )
    mask: ImageSource | None = Field(
        default=None,
        exclude_if=_is_none,
        description="Of the shape of `init_image`: white is drawn anew, black stays to the byte, a grey is that "
        "pixel's strength.",
    )
    mask_mode: MaskMode | None = Field(
        default=None,
        exclude_if=_is_none,
        description="`only_masked` draws what is masked alone, enlarged, and puts it back.",
    )
    outpaint: Outpaint | None = Field(
        default=None, exclude_if=_is_none, description="Pixels by which the image grows on each side."
    )
    feather: int | None = Field(
        default=None,
        exclude_if=_is_none,
        ge=0,
        le=MAX_FEATHER_PX,
        description="Pixels over which old and new blend into each other.",
    )
    upscale: UpscaleRequest | None = Field(
        default=None, exclude_if=_is_none, description="How much larger the image becomes, drawn in tiles."
    )
    base: ImageSource | None = Field(
        default=None,
        exclude_if=_is_none,
        description="What `init_image` was painted on, where it is a sketch over an image: the result counts as made "
        "from that, too. Nothing is drawn of it.",
    )
    control: list[ControlRequest] = Field(
        default=[], exclude_if=_is_empty, max_length=MAX_CONTROLS, description="Images that guide the composition."
    )

    references: list[ImageSource] = Field(
        default=[],
        exclude_if=_is_empty,
        max_length=MAX_REFERENCES,
        description="Images that a model of the Omni variant draws from, as the prompt says; see `can` in /api/models.",
    )

    @field_validator("strength", "mask", "outpaint", "upscale", "base")
    @classmethod
    def _needs_image(cls, value: object, info: ValidationInfo) -> object:
        if value is not None and info.data.get("init_image", _FAULTY) is None:
            raise _refused("This needs an `init_image`.")
        return value

    @field_validator("mask_mode")
    @classmethod
    def _needs_mask(cls, value: MaskMode | None, info: ValidationInfo) -> MaskMode | None:
        if value is not None and info.data.get("mask", _FAULTY) is None:
            raise _refused("This needs a `mask`.")
        return value

    @field_validator("outpaint")
    @classmethod
    def _grows(cls, value: Outpaint | None, info: ValidationInfo) -> Outpaint | None:
        if value is not None and not any(value.model_dump().values()):
            raise _refused("The image grows on at least one side.")
        if value is not None and info.data.get("mask_mode") == "only_masked":
            raise _refused("What grows is the whole image: this cannot be combined with the mask mode `only_masked`.")
        return value

    @field_validator("feather")
    @classmethod
    def _has_an_edge(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and info.data.get("mask", _FAULTY) is None and info.data.get("outpaint", _FAULTY) is None:
            raise _refused("This needs a `mask` or `outpaint`.")
        return value

    @field_validator("upscale")
    @classmethod
    def _is_alone(cls, value: UpscaleRequest | None, info: ValidationInfo) -> UpscaleRequest | None:
        if value is not None and (info.data.get("outpaint") or info.data.get("mask_mode") == "only_masked"):
            raise _refused("This cannot be combined with `outpaint` or the mask mode `only_masked`.")
        if value is not None and info.data.get("feather") is not None:
            raise _refused("This cannot be combined with `feather`: enlarge first, then repaint.")
        return value

    @property
    def input_ids(self) -> tuple[str, ...]:
        """Ids of all inputs that the request names, each once."""
        guiding = (control.image for control in self.control)
        named = (self.init_image, self.mask, self.base, *guiding, *self.references)
        return tuple(dict.fromkeys(source.input_id for source in named if isinstance(source, FromInput)))
