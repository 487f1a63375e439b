"""What a client may do with the pictures of the history."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.models.recipe import Frozen
from backend.models.schemas import Identifier, Source

MAX_TAGS = 20
MAX_TAG_CHARACTERS = 50
MAX_BULK = 1000


class ThumbnailWidth(IntEnum):
    """Pixels from left to right that a thumbnail may be asked for in."""

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
    """What may be changed of a picture; what is left out stays."""

    favourite: bool | None = None
    tags: list[Tag] | None = Field(default=None, max_length=MAX_TAGS, description="All tags of the picture.")


class BulkRequest(_Body):
    """One action on many pictures."""

    ids: list[Identifier] = Field(min_length=1, max_length=MAX_BULK)
    action: Literal["delete", "restore", "favourite", "unfavourite", "tag", "untag"]
    tag: Tag | None = Field(default=None, description="Required by `tag` and `untag`.")

    @model_validator(mode="after")
    def _tag_when_needed(self) -> BulkRequest:
        if (self.tag is None) is (self.action in ("tag", "untag")):
            raise PydanticCustomError("tag", "`tag` belongs to the actions `tag` and `untag`, and to no other.")
        return self


class BulkResult(Frozen):
    """Which pictures the action has reached."""

    done: list[str]
    missing: list[str]


class ExportRequest(_Body):
    """Pictures to be packed into one archive."""

    ids: list[Identifier] = Field(min_length=1, max_length=MAX_BULK)


class ReadParameters(Frozen):
    """Parameters of a picture in our own words; null for what it does not tell."""

    prompt: str | None = None
    negative_prompt: str | None = None
    width: int | None = None
    height: int | None = None
    num_inference_steps: int | None = None
    seed: int | None = None
    guidance_scale: float | None = None
    model: str | None = None


class ReadResult(Frozen):
    """Which program wrote a picture, and with which parameters."""

    source: Source
    parameters: ReadParameters


class TokenRequest(_Body):
    """A prompt to be counted."""

    prompt: str = Field(max_length=20_000)
    model: str = Field(default="auto", min_length=1, max_length=100)


class TokenCount(Frozen):
    """How many tokens a model reads of a prompt, its template included."""

    tokens: int
    limit: int
    truncated: bool = Field(description="Whether the model will not see the end of the prompt.")
