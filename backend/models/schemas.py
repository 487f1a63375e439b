"""What crosses the edge: requests, answers and the records kept on disk."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

MIN_SIDE_PX = 256
MAX_SIDE_PX = 2048
SIDE_MULTIPLE_PX = 16
MAX_STEPS = 50
MAX_SEED = 2**53 - 1
"""Largest integer that a JavaScript client reads without rounding."""
MAX_PROMPT_CHARACTERS = 4000

ID_PATTERN = r"^[0-9a-f]{32}$"
Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
_ALLOWED_CONTROL_CHARACTERS = frozenset("\n\t")


class Frozen(BaseModel):
    """An immutable value."""

    model_config = ConfigDict(frozen=True)


class GenerateRequest(BaseModel):
    """One picture to generate. Strict: no coercion, no unknown fields."""

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
        description="What to draw, in Chinese or English.",
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
        default=None, ge=0, le=MAX_SEED, description="Same seed, same picture; left out, one is drawn and reported."
    )
    model: str = Field(
        default="auto", min_length=1, max_length=100, description="A model of /api/models, or `auto` for the best one."
    )

    @field_validator("prompt")
    @classmethod
    def _printable(cls, prompt: str) -> str:
        stripped = prompt.strip()
        if not stripped:
            raise PydanticCustomError("prompt_blank", "The prompt is blank: describe the picture in words.")
        if any(_is_control(character) for character in stripped):
            raise PydanticCustomError(
                "prompt_control_character",
                "The prompt has a control character; only line breaks and tabs are allowed.",
            )
        return stripped

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


def _is_control(character: str) -> bool:
    code = ord(character)
    return character not in _ALLOWED_CONTROL_CHARACTERS and (code < 0x20 or 0x7F <= code < 0xA0)


class TaskCreated(Frozen):
    """Answer to an accepted request."""

    task_id: Identifier


class ImageRecord(Frozen):
    """What is known of one picture; kept in the history and inside the picture itself."""

    id: Identifier
    filename: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,127}\.png$")
    prompt: str
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    num_inference_steps: int = Field(ge=1)
    use_gpu: bool
    size_bytes: int = Field(ge=0)
    created_at: AwareDatetime
    generation_time_ms: float = Field(ge=0)
    model: str
    seed: int = Field(ge=0, le=MAX_SEED)
    device: str
    guidance_scale: float = 0.0


class ImageInfo(ImageRecord):
    """A picture as the API shows it."""

    download_url: str
    thumbnail_url: str


class HistoryPage(Frozen):
    """One page of the history, newest first."""

    images: list[ImageInfo]
    total: int
    page: int
    page_size: int


class Status(StrEnum):
    """Life of a task."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the task will never change again."""
        return self not in (Status.PENDING, Status.PROCESSING)


class TaskRecord(Frozen):
    """What is known of one task; a new record replaces the old one at every change."""

    id: Identifier
    request: GenerateRequest
    status: Status = Status.PENDING
    current_step: int = 0
    total_steps: int
    message: str = ""
    error: str | None = None
    error_code: str | None = None
    cancelling: bool = False
    created_at: datetime
    result: ImageRecord | None = None

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0–100."""
        return round(100 * self.current_step / self.total_steps, 1)


class TaskStatus(Frozen):
    """A task as the API shows it."""

    task_id: Identifier
    status: Status
    progress: float = Field(ge=0, le=100)
    total_steps: int
    current_step: int
    message: str
    result: ImageInfo | None
    error: str | None
    error_code: str | None
    cancelling: bool
    queue_position: int | None = Field(description="Tasks that run before this one; null when it does not wait.")
    created_at: datetime
    request: GenerateRequest


class TaskList(Frozen):
    """Tasks in the order in which they run, then finished ones when asked for."""

    tasks: list[TaskStatus]


class ModelInfo(Frozen):
    """A model of the catalogue."""

    id: str
    name: str
    description: str
    installed: bool
    demo: bool
    source: Literal["hub cache", "ckpts", "folder"] | None
    download_gb: float | None
    size_multiple: int
    max_side_px: int | None
    default_steps: int
    guidance_scale: float
    repository: str | None


class ModelList(Frozen):
    """Every model that can be named in a request."""

    default: str | None
    loaded: str | None
    models: list[ModelInfo]


class CpuStatus(Frozen):
    """Processor load."""

    usage_percent: float
    cores: int
    frequency_mhz: float


class MemoryStatus(Frozen):
    """Main memory, in GiB."""

    total_gb: float
    used_gb: float
    available_gb: float
    usage_percent: float


class GpuStatus(Frozen):
    """The first graphics card, memory in GiB and temperature in °C."""

    available: bool
    name: str | None
    memory_total_gb: float | None
    memory_used_gb: float | None
    usage_percent: float | None
    temperature: float | None


class DiskStatus(Frozen):
    """The disk that holds the data folder, in GiB."""

    path: str
    total_gb: float
    used_gb: float
    free_gb: float
    usage_percent: float


class SystemStatus(Frozen):
    """One sample of the machine's state."""

    cpu: CpuStatus
    memory: MemoryStatus
    gpu: GpuStatus | None
    disk: DiskStatus
    timestamp: datetime


class Health(Frozen):
    """The process is up and answers."""

    status: str = "healthy"
    service: str = "Z-Image API"


class Root(Frozen):
    """Where things are."""

    message: str = "Z-Image API"
    version: str
    docs: str = "/docs"
    health: str = "/health"


class FieldProblem(Frozen):
    """What is wrong with one field of a request."""

    field: str
    message: str


class ErrorDetail(Frozen):
    """An error, for programs (`code`) and for people (`message`)."""

    code: str
    message: str
    fields: list[FieldProblem] = []


class ErrorBody(Frozen):
    """Body of every answer with a 4xx or 5xx status."""

    error: ErrorDetail
