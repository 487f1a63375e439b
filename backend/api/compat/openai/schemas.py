"""Bodies of the OpenAI Images API, as far as they are answered here."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from backend.models.recipe import Frozen, is_none
from backend.models.schemas import MAX_PICTURES
from backend.services.generation.job import MAX_PARTIAL_IMAGES

Format = Literal["png", "webp", "jpeg"]
Quality = Literal["low", "medium", "high", "xhigh", "max"]
_IGNORED = "Accepted and without effect here."


class ImageRequest(BaseModel):
    """Request for images. Fields of `POST /api/generate` may stand beside these: `seed`, `negative_prompt`, …."""

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        json_schema_extra={"examples": [{"prompt": "一只红色的狐狸", "size": "1024x1024", "seed": 42}]},
    )

    prompt: str = Field(description="What to draw, in Chinese or English.")
    model: str | None = Field(default=None, description="A model of `/v1/models`; any other name is `auto`.")
    n: int | None = Field(default=None, ge=1, le=MAX_PICTURES, description="Images to draw.")
    size: str | None = Field(default=None, description="`WIDTHxHEIGHT`: multiples of 16 from 256 to 2048; or `auto`.")
    output_format: Format | None = Field(default=None, description="`png` without.")
    output_compression: int | None = Field(default=None, ge=0, le=100, description="Quality of webp and jpeg.")
    response_format: Literal["url", "b64_json"] | None = Field(default=None, description="`b64_json` without.")
    stream: bool | None = Field(default=None, description="Answer with events.")
    partial_images: int | None = Field(
        default=None, ge=0, le=MAX_PARTIAL_IMAGES, description="Images to stream while each one is drawn."
    )
    num_inference_steps: int | None = Field(default=None, description="Points of the schedule; also `steps`.")
    steps: int | None = Field(default=None, description="Another name of `num_inference_steps`.")
    background: Literal["opaque", "auto"] | None = Field(default=None, description="Images are opaque.")
    safety_identifier: str | None = Field(default=None, max_length=1000, description="Sent back as it is.")
    user: str | None = Field(default=None, max_length=1000, description="Sent back without `safety_identifier`.")
    quality: Literal["low", "medium", "high", "xhigh", "max", "auto", "standard", "hd"] | None = Field(
        default=None, description=f"{_IGNORED} Steps decide."
    )
    style: Literal["vivid", "natural"] | None = Field(default=None, description=_IGNORED)
    moderation: Literal["low", "auto"] | None = Field(default=None, description=_IGNORED)
    complexity: Any = Field(default=None, description=_IGNORED)
    frame_count: Any = Field(default=None, description=_IGNORED)
    frame_duration_ms: Any = Field(default=None, description=_IGNORED)
    svg: Any = Field(default=None, description=_IGNORED)
    prompt_rewriter: Any = Field(default=None, description=_IGNORED)


class EditRequest(ImageRequest):
    """Fields of the form of an edit, beside its files."""

    input_fidelity: Literal["low"] | None = Field(
        default=None, description="Only `low`: a lower `strength` keeps more of the image."
    )


class InputTokens(Frozen):
    """What was read."""

    image_tokens: int = Field(description="Patches of the image that an edit begins from.")
    text_tokens: int = Field(description="Tokens of the prompts, by the model's tokenizer and in its template.")


class OutputTokens(Frozen):
    """What was drawn."""

    image_tokens: int = Field(description="Patches that the transformer draws, of all images.")
    text_tokens: int = 0


class Usage(Frozen):
    """Tokens: of the prompts, and patches of images."""

    input_tokens: int
    input_tokens_details: InputTokens
    output_tokens: int
    output_tokens_details: OutputTokens
    total_tokens: int


class ImageData(Frozen):
    """One image."""

    b64_json: str | None = Field(default=None, exclude_if=is_none)
    url: str | None = Field(default=None, exclude_if=is_none, description="Valid for an hour where a token is needed.")


class ImagesResponse(Frozen):
    """Images, and what was used for them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "created": 1767323045,
                    "data": [{"b64_json": "iVBORw0KGgo…"}],
                    "background": "opaque",
                    "output_format": "png",
                    "quality": "high",
                    "size": "1024x1024",
                }
            ]
        }
    )

    created: int
    data: list[ImageData]
    background: Literal["opaque"] = "opaque"
    output_format: Format
    quality: Quality
    size: str
    safety_identifier: str | None = Field(default=None, exclude_if=is_none)
    usage: Usage | None = Field(default=None, exclude_if=is_none)


class OpenAIModel(Frozen):
    """A model."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"id": "z-image-turbo", "object": "model", "created": 1764201600, "owned_by": "zimage"}]
        }
    )

    id: str
    object: Literal["model"] = "model"
    created: int = Field(description="When the service was started: files do not tell.")
    owned_by: str = "zimage"


class OpenAIModelList(Frozen):
    """Installed models, and `auto`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "object": "list",
                    "data": [{"id": "auto", "object": "model", "created": 1764201600, "owned_by": "zimage"}],
                }
            ]
        }
    )

    object: Literal["list"] = "list"
    data: list[OpenAIModel]


class OpenAIErrorDetail(Frozen):
    """Error for programs and for people."""

    message: str
    type: str
    param: str | None
    code: str | None


class OpenAIErrorBody(Frozen):
    """Body of every 4xx and 5xx answer under `/v1`."""

    error: OpenAIErrorDetail
