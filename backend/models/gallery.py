"""Wire schemas of the history."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.models.recipe import Frozen, LoraUse
from backend.models.schemas import Source

MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MAX_BULK = 1000


class ThumbnailWidth(IntEnum):
    """Widths of thumbnails, in pixels."""

    SMALL = 256
    LARGE = 512


def _clean_tag(tag: str) -> str:
    tag = " ".join(tag.split())
    if not tag or not tag.isprintable():
        raise PydanticCustomError("tag", "A tag is a word or a few, without control characters.")
    return tag


Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG_CHARACTERS), AfterValidator(_clean_tag)]


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")


class ImageChange(_Body):
    """Changes of an image; a missing field stays as it is."""

    favourite: bool | None = None
    tags: list[Tag] | None = Field(default=None, max_length=MAX_TAGS, description="All tags of the image.")


ImageIds = Annotated[list[Annotated[str, Field(max_length=100)]], Field(min_length=1, max_length=MAX_BULK)]
"""Ids of images. Whatever is none is an image that does not exist."""


class BulkRequest(_Body):
    """One action on many images."""

    ids: ImageIds
    action: Literal["delete", "restore", "favourite", "unfavourite", "tag", "untag"]
    tag: Tag | None = Field(default=None, description="Required by `tag` and `untag`.")

    @model_validator(mode="after")
    def _tag_when_needed(self) -> BulkRequest:
        if (self.tag is None) is (self.action in ("tag", "untag")):
            raise PydanticCustomError("tag", "`tag` belongs to the actions `tag` and `untag`, and to no other.")
        return self


class BulkResult(Frozen):
    """Images that the action has changed, and those that do not exist."""

    done: list[str]
    missing: list[str]


FileName = Annotated[str, Field(max_length=200, pattern=r'^[^\x00-\x1f\x7f<>:"/\\|?*]+\.png$')]
"""Name of a PNG that every system takes."""


class ExportRequest(_Body):
    """Images of a zip."""

    ids: ImageIds
    names: dict[str, FileName] = Field(
        default_factory=dict, max_length=MAX_BULK, description="Names in the zip by id; the others keep their own."
    )


class ReadParameters(Frozen):
    """Parameters of an image; null for those that it does not have."""

    prompt: str | None = None
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    num_inference_steps: int | None = None
    seed: int | None = None
    guidance_scale: float | None = None
    shift: float | None = None
    model: str | None = None
    loras: tuple[LoraUse, ...] | None = None


class ReadResult(Frozen):
    """Program and parameters of an image."""

    source: Source
    parameters: ReadParameters


class TokenRequest(_Body):
    """Prompt whose tokens are counted."""

    prompt: str = Field(max_length=20_000)
    model: str = Field(default="auto", min_length=1, max_length=100)


class TokenCount(Frozen):
    """Number of a prompt's tokens, the model's template included."""

    tokens: int
    template_tokens: int = Field(description="How many of them are the template's, whatever the prompt is.")
    limit: int
    truncated: bool = Field(description="Whether the model will not see the end of the prompt.")
    characters: int = Field(description="Characters (Unicode code points) of the prompt that the model reads.")
