"""Arguments of the tools, described for a language model; they become the body of a request of the API."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.models.edit import ID_PATTERN
from backend.models.recipe import INPUT_ID_PATTERN, MAX_LORA_STRENGTH
from backend.models.schemas import MAX_MODEL_CHARACTERS, MAX_SIDE_PX, MAX_STEPS, MIN_SIDE_PX, GenerateRequest
from backend.services.errors import StudioError

MAX_IMAGES = 4
"""Of one call; each comes back as a picture, and hosts limit an answer to about a megabyte."""
MAX_WAIT_S = 50.0
"""Hosts give a call up after a minute or more."""
MAX_FOUND = 20

TaskId = Annotated[str, Field(pattern=ID_PATTERN, description="Id of a task, 32 hexadecimal digits.")]
ImageReference = Annotated[
    str,
    Field(
        min_length=1,
        description="The id of an image of the history (32 hexadecimal digits), the id of an input (64), a data URI, "
        "or the base64 of a PNG, JPEG or WebP.",
    ),
]


class Arguments(BaseModel):
    """Arguments of a tool; unknown ones are refused, so that nothing is ignored in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class NoArguments(Arguments):
    """A tool without arguments."""


class LoraChoice(Arguments):
    """A LoRA, and how strongly it acts."""

    name: str = Field(description="Name from list_loras.")
    strength: float = Field(
        default=1.0,
        ge=-MAX_LORA_STRENGTH,
        le=MAX_LORA_STRENGTH,
        description="How strongly it acts; 0 is without it, 1 as it was trained.",
    )


class Drawing(Arguments):
    """What `generate` and `edit` have in common. Names are the API's, so that its errors name the same fields."""

    not_of_the_body: ClassVar[frozenset[str]] = frozenset({"wait"})

    negative_prompt: str | None = Field(
        default=None, description="What shall not be in the image; only for models that list_models says take it."
    )
    width: int | None = Field(
        default=None, description=f"Width in pixels, {MIN_SIDE_PX} to {MAX_SIDE_PX}, a multiple of 16."
    )
    height: int | None = Field(
        default=None, description=f"Height in pixels, {MIN_SIDE_PX} to {MAX_SIDE_PX}, a multiple of 16."
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        description="The same seed with the same arguments gives the same image. Leave out for a new one.",
    )
    num_images: int = Field(
        default=1, ge=1, le=MAX_IMAGES, description="How many images; each next one has the next seed."
    )
    model: str | None = Field(default=None, description="Id of a model from list_models. Leave out for the best one.")
    num_inference_steps: int | None = Field(
        default=None, ge=1, le=MAX_STEPS, description="Steps; leave out for what suits the model."
    )
    guidance_scale: float | None = Field(
        default=None, description="How closely the prompt is followed; only for models that list_models says take it."
    )
    loras: list[LoraChoice] | None = Field(default=None, description="LoRAs to use; list_loras has their names.")
    wait: bool = Field(
        default=True,
        description="true returns the finished images. false returns a task_id at once, for images that take minutes; "
        "ask for them with the tool status.",
    )

    def body(self) -> dict[str, Any]:
        """Returns the fields of the request that were given."""
        return self.model_dump(exclude_none=True, exclude_unset=True, exclude=set(self.not_of_the_body))


class Generate(Drawing):
    """Arguments of `generate`."""

    prompt: str = Field(
        min_length=1,
        description="What the image shows, in Chinese or English: subject, surroundings, light, style, and any "
        "lettering in quotes. Full sentences work better than lists of keywords.",
    )


class Edit(Drawing):
    """Arguments of `edit`."""

    not_of_the_body: ClassVar[frozenset[str]] = frozenset(
        {"wait", "image", "mask", "upscale", "left", "right", "top", "bottom"}
    )
    SIDES: ClassVar[tuple[str, ...]] = ("left", "right", "top", "bottom")

    image: ImageReference
    prompt: str = Field(
        min_length=1,
        description="What the finished image shows, all of it, not only the change: 'a red fox with a blue hat', not "
        "'add a hat'.",
    )
    strength: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="How much is drawn anew: 0.3 changes details, 0.6 keeps the composition, 1 keeps nothing.",
    )
    mask: ImageReference | None = Field(
        default=None,
        description="An image of the same size: white is drawn anew, black stays as it is to the pixel. Given as image "
        "is.",
    )
    mask_mode: Literal["whole", "only_masked"] | None = Field(
        default=None, description="only_masked draws just the masked part, enlarged, for small details."
    )
    feather: int | None = Field(default=None, ge=0, description="Pixels over which the mask's edge blends.")
    left: int | None = Field(default=None, ge=0, description="Pixels to add at the left; the image grows there.")
    right: int | None = Field(default=None, ge=0, description="Pixels to add at the right.")
    top: int | None = Field(default=None, ge=0, description="Pixels to add above.")
    bottom: int | None = Field(default=None, ge=0, description="Pixels to add below.")
    upscale: float | None = Field(
        default=None, gt=1, description="Enlarge each side by this factor, up to 4, in tiles."
    )

    def body(self) -> dict[str, Any]:
        """Returns the fields of the request that were given, but for the images."""
        sides = {side: pixels for side in self.SIDES if (pixels := getattr(self, side))}
        upscale = {} if self.upscale is None else {"upscale": {"factor": self.upscale}}
        return {**super().body(), **upscale, **({"outpaint": sides} if sides else {})}


class Status(Arguments):
    """Arguments of `status`."""

    task_id: TaskId | None = Field(default=None, description="Id of a task. Leave out for all that wait or run.")
    wait_seconds: float = Field(
        default=0.0,
        ge=0,
        le=MAX_WAIT_S,
        description="Wait so long for the task to end, instead of asking again and again.",
    )


class Cancel(Arguments):
    """Arguments of `cancel`."""

    task_id: TaskId


class ListLoras(Arguments):
    """Arguments of `list_loras`."""

    model: str | None = Field(
        default=None,
        min_length=1,
        max_length=MAX_MODEL_CHARACTERS,
        description="Id of the model that they are for. Leave out for the best one.",
    )


class SearchHistory(Arguments):
    """Arguments of `search_history`."""

    query: str = Field(
        default="",
        max_length=200,
        description="Words that the prompt or the tags must all have, or a seed. Empty for the newest.",
    )
    limit: int = Field(default=10, ge=1, le=MAX_FOUND, description="Most images to return, newest first.")
    show_images: bool = Field(default=False, description="Also return small pictures, of the first few.")


def takes_loras() -> bool:
    """Tells whether requests can name LoRAs."""
    return "loras" in GenerateRequest.model_fields


def schema_of(arguments: type[Arguments]) -> dict[str, Any]:
    """Returns the JSON schema of arguments, as plain as a small model needs it: no references, no null, no titles."""
    schema = arguments.model_json_schema()
    definitions = schema.pop("$defs", {})
    plain: dict[str, Any] = _plain(schema, definitions)
    plain.pop("description", None)
    if not takes_loras():
        plain.get("properties", {}).pop("loras", None)
    return {"type": "object", "properties": {}, **plain}


def _plain(value: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(value, list):
        return [_plain(item, definitions) for item in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return _plain({**definitions[value["$ref"].rpartition("/")[2]], **_without(value, "$ref")}, definitions)
    if "anyOf" in value:
        [only] = [kind for kind in value["anyOf"] if kind != {"type": "null"}]
        return _plain({**only, **_without(value, "anyOf", "default")}, definitions)
    names = "properties" in value
    plain = {key: _plain(item, definitions) for key, item in value.items() if key != "title" or names}
    return _without(plain, "title") if names else plain


def _without(value: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in keys}


_IMAGE_ID, _INPUT_ID = re.compile(ID_PATTERN), re.compile(INPUT_ID_PATTERN)


def named_image(text: str) -> dict[str, str] | None:
    """Returns an image of the history or an input as requests name it; None for what must be sent first."""
    text = text.strip().removeprefix("zimage://image/")
    if _IMAGE_ID.fullmatch(text):
        return {"image_id": text}
    return {"input_id": text} if _INPUT_ID.fullmatch(text) else None


def decode_image(field: str, text: str) -> bytes:
    """Reads a data URI or base64.

    Raises:
        StudioError: It is neither.
    """
    header, comma, data = text.strip().partition(",") if text.lstrip().startswith("data:") else ("", "", text)
    try:
        if header and (not comma or not header.endswith(";base64")):
            raise ValueError
        return base64.b64decode("".join(data.split()), validate=True)
    except (binascii.Error, ValueError):
        raise StudioError.of(
            "validation_error",
            f"{field}: this is neither the id of an image, nor a data URI, nor base64. Ids come from generate, edit "
            "and search_history.",
        ) from None
