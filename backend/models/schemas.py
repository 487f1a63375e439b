"""Wire schemas, and the records on disk."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from backend.models.edit import EditRequest, Identifier
from backend.models.loras import LoraRequest
from backend.models.recipe import MAX_LORAS, MAX_NAME_CHARACTERS, MAX_SEED, Frozen, Recipe, is_none
from backend.utils.network.http_address import read_http_address

MIN_SIDE_PX = 256
MAX_SIDE_PX = 2048
SIDE_MULTIPLE_PX = 16
MAX_STEPS = 50
MAX_PROMPT_CHARACTERS = 4000
MAX_GUIDANCE_SCALE = 20.0
MIN_SHIFT, MAX_SHIFT = 0.1, 20.0
MAX_PICTURES = 16

MAX_MODEL_CHARACTERS = 100
MAX_CALLBACK_CHARACTERS = 2000
DRAWN = -1
"""Seed that asks for a drawn one, as other programs write it."""
LOCAL_CLIENT = "local"
"""Client of a request without an address."""
_ALLOWED_CONTROL_CHARACTERS = frozenset("\n\t")


def _is_empty(value: list[object]) -> bool:
    return not value


class GenerateRequest(EditRequest):
    """Request for one image, or for several that differ in their seeds. Strict: no coercion, no unknown fields."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"prompt": "一只红色的狐狸", "height": 1024, "width": 1024, "num_inference_steps": 9, "seed": 42}
            ]
        },
    )

    prompt: str = Field(
        min_length=1,
        max_length=MAX_PROMPT_CHARACTERS,
        description="What to draw, in Chinese or English. `<lora:name:0.8>` names a LoRA, and leaves the prompt.",
    )
    height: int = Field(
        default=1024,
        ge=MIN_SIDE_PX,
        le=MAX_SIDE_PX,
        json_schema_extra={"multipleOf": SIDE_MULTIPLE_PX},
        description="Height in pixels.",
    )
    width: int = Field(
        default=1024,
        ge=MIN_SIDE_PX,
        le=MAX_SIDE_PX,
        json_schema_extra={"multipleOf": SIDE_MULTIPLE_PX},
        description="Width in pixels.",
    )
    num_inference_steps: int = Field(
        default=9, ge=1, le=MAX_STEPS, description="Points of the schedule N; the model runs max(1, N − 1) times."
    )
    use_gpu: bool = Field(default=True, description="Use the accelerator when there is one.")
    seed: int | None = Field(
        default=None,
        ge=DRAWN,
        le=MAX_SEED,
        description="Same seed, same image; left out, null or -1, one is drawn and reported.",
    )
    model: str = Field(
        default="auto",
        min_length=1,
        max_length=MAX_MODEL_CHARACTERS,
        description="A model of /api/models, or `auto` for the best one.",
    )
    num_images: int = Field(
        default=1, ge=1, le=MAX_PICTURES, description="Images to draw; image i (from 0) has the seed `seed` + i."
    )
    guidance_scale: float | None = Field(
        default=None,
        ge=0,
        le=MAX_GUIDANCE_SCALE,
        allow_inf_nan=False,
        description="How closely a model with `guidance` follows the prompt, 0 for not guided; null for its default. "
        "Conventional CFG scales are larger by 1.",
    )
    shift: float | None = Field(
        default=None,
        ge=MIN_SHIFT,
        le=MAX_SHIFT,
        allow_inf_nan=False,
        description="Shift of the schedule: more spends more steps on the composition, fewer on detail; "
        "null for the model's own.",
    )
    negative_prompt: str = Field(
        default="",
        max_length=MAX_PROMPT_CHARACTERS,
        description="What shall not be in the image, for a model with `negative_prompt`; needs guidance above 0.",
    )
    loras: list[LoraRequest] = Field(
        default=[],
        exclude_if=_is_empty,
        max_length=MAX_LORAS,
        description="LoRAs that act on the image, beside those that the prompt names as `<lora:name:0.8>`.",
    )
    callback_url: str | None = Field(
        default=None,
        max_length=MAX_CALLBACK_CHARACTERS,
        exclude_if=is_none,
        description="Where the server posts a signed message when the task has ended; for named access tokens with a "
        "secret.",
    )

    @field_validator("prompt")
    @classmethod
    def _not_blank(cls, prompt: str) -> str:
        if not prompt.strip():
            raise PydanticCustomError("prompt_blank", "The prompt is blank: describe the picture in words.")
        return prompt

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _printable(cls, prompt: str) -> str:
        stripped = prompt.replace("\r\n", "\n").replace("\r", "\n").strip()
        if any(is_control(character) for character in stripped):
            raise PydanticCustomError(
                "prompt_control_character",
                "The prompt has a control character; only line breaks and tabs are allowed.",
            )
        return stripped

    @field_validator("seed")
    @classmethod
    def _drawn_is_none(cls, seed: int | None) -> int | None:
        return None if seed == DRAWN else seed

    @field_validator("callback_url")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None:
            try:
                read_http_address(url)
            except ValueError as error:
                raise PydanticCustomError("callback_url", "This is no address: {why}.", {"why": str(error)}) from None
        return url

    @field_validator("height", "width")
    @classmethod
    def _on_the_grid(cls, side_px: int) -> int:
        if side_px % SIDE_MULTIPLE_PX:
            below = side_px - side_px % SIDE_MULTIPLE_PX
            raise PydanticCustomError(
                "side_multiple",
                "{side} is not a multiple of {multiple}; the nearest valid values are {below} and {above}.",
                {"side": side_px, "multiple": SIDE_MULTIPLE_PX, "below": below, "above": below + SIDE_MULTIPLE_PX},
            )
        return side_px


def is_control(character: str) -> bool:
    """Tells whether a character is a control character other than a line break or a tab."""
    code = ord(character)
    return character not in _ALLOWED_CONTROL_CHARACTERS and (code < 0x20 or 0x7F <= code < 0xA0)


Source = Literal["zimage", "a1111", "comfyui", "invokeai", "swarmui", "fooocus", "novelai", "drawthings"]
"""Programs whose images carry parameters."""
DefaultedField = Literal["num_inference_steps", "seed", "guidance_scale", "model"]
"""Fields of a record that hold a default when an imported image lacks them."""


Door = Literal["openai", "a1111", "ollama", "mcp"]
"""Protocols of other programs through which a request may come; without one it came by the API itself."""


class TaskCreated(Frozen):
    """Response to an accepted request."""

    task_id: Identifier


class MoveRequest(BaseModel):
    """New position of a waiting task: `position` or `by`."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    position: int | None = Field(default=None, ge=0, le=10**6, description="Tasks that shall run before it.")
    by: int | None = Field(
        default=None, ge=-(10**6), le=10**6, description="Places among your own tasks; fewer than 0 is earlier."
    )

    @model_validator(mode="after")
    def _one_of_them(self) -> MoveRequest:
        if (self.position is None) is (self.by is None):
            raise PydanticCustomError("move", "Either `position` or `by` says where to.")
        return self


class ClearQuery(Frozen):
    """Which of your own tasks go; one of the two must be said."""

    finished: Literal["true"] | None = Field(default=None, description="The finished ones leave the list.")
    waiting: Literal["true"] | None = Field(default=None, description="The waiting ones are cancelled.")

    @model_validator(mode="after")
    def _one_of_them(self) -> ClearQuery:
        if (self.finished is None) is (self.waiting is None):
            raise PydanticCustomError("clear", "Either `finished=true` or `waiting=true` says which tasks go.")
        return self


class ImageRecord(Recipe):
    """Record of one image, in the history and inside the image itself."""

    id: Identifier
    filename: str = Field(pattern=r"^[^/\\:\x00-\x1f\x7f]{1,250}\.png$")
    use_gpu: bool
    size_bytes: int = Field(ge=0)
    created_at: AwareDatetime
    generation_time_ms: float = Field(ge=0, allow_inf_nan=False)
    device: str = Field(max_length=MAX_NAME_CHARACTERS)
    pixel_hash: str | None = Field(default=None, description="SHA-256 of size and pixels: tells identical reruns.")
    source: Source = Field(default="zimage", description="Which program drew it; others' images were imported.")
    unknown: tuple[DefaultedField, ...] = Field(
        default=(), max_length=4, description="Fields that an imported image did not tell, and that hold a default."
    )
    drawn_width: int | None = Field(
        default=None, gt=0, exclude_if=is_none, description="What the model drew, where that is not the image's width."
    )
    drawn_height: int | None = Field(default=None, gt=0, exclude_if=is_none, description="The same of the height.")
    door: Door | None = Field(
        default=None, exclude_if=is_none, description="Protocol of another program that the request came by."
    )
    favourite: bool = False
    tags: tuple[str, ...] = ()
    deleted_at: AwareDatetime | None = Field(default=None, description="When it was moved to the trash.")
    owner: str | None = Field(
        default=None, max_length=200, description="Whose image it is, by the name of the token; null: everybody's."
    )


class ImageInfo(ImageRecord):
    """Image with its URLs."""

    download_url: str
    thumbnail_url: str


class ImageLink(Frozen):
    """Address of an image's PNG, to be given away."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "url": f"/api/download/{'2b' * 16}?expires=1767326645&signature=5f0c…",
                    "expires_at": "2026-01-02T04:04:05Z",
                }
            ]
        }
    )

    url: str = Field(description="Path of the PNG.")
    expires_at: datetime | None = Field(
        description="Until when it opens without the token; null where it needs none, or always needs it."
    )


class HistoryPage(Frozen):
    """Page of the history, newest first."""

    images: list[ImageInfo]
    total: int
    page: int
    page_size: int
    next_cursor: str | None = Field(default=None, description="Send it as `after` for the next page.")


class Status(StrEnum):
    """State of a task."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self not in (Status.PENDING, Status.PROCESSING)


class Timings(Frozen):
    """Seconds of a task in each phase, over all its images; null until known."""

    queued_s: float | None = None
    load_s: float | None = None
    encode_s: float | None = None
    denoise_s: float | None = None
    decode_s: float | None = None
    save_s: float | None = None


class TaskStatus(Frozen):
    """Status of a task."""

    task_id: Identifier
    status: Status
    progress: float = Field(ge=0, le=100)
    total_steps: int = Field(description="Steps of all images together.")
    current_step: int = Field(description="Finished steps of all images together.")
    step: int = Field(description="Finished steps of the images that are being drawn.")
    steps: int = Field(description="Steps of one image.")
    message: str
    result: ImageInfo | None = Field(description="The last of the finished images.")
    num_images: int
    images: list[ImageInfo] = Field(description="The finished images, in the order of their seeds.")
    error: str | None
    error_code: str | None
    cancelling: bool
    queue_position: int | None = Field(description="Tasks that run before this one; null when it does not wait.")
    eta_seconds: float | None = Field(description="Expected seconds until the task ends; null while unknown.")
    timings: Timings
    worker: str | None = Field(default=None, description="The worker that has begun it; null while it waits.")
    workers: list[str] = Field(default=[], description="Workers that draw its images now, one each.")
    preview_seq: int | None = Field(description="Number of the newest preview; null when there is none.")
    created_at: datetime
    request: GenerateRequest


class TaskList(Frozen):
    """Tasks in the order in which they run, then finished ones if requested."""

    tasks: list[TaskStatus]


class FieldProblem(Frozen):
    """Error of one field of a request."""

    field: str
    message: str


class ErrorDetail(Frozen):
    """Error for programs (`code`) and for people (`message`)."""

    code: str
    message: str
    fields: list[FieldProblem] = Field(default=[])
    position: int | None = Field(default=None, description="With `queue_full`: tasks that wait already.")


class ErrorBody(Frozen):
    """Body of every 4xx and 5xx response."""

    error: ErrorDetail
