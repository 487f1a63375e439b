"""What the server answers, as frozen dataclasses. `raw` of each is the answer as it came."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from zimage_client.decode import Record

FINAL_STATUSES = frozenset({"completed", "failed", "cancelled", "interrupted"})


@dataclass(frozen=True, kw_only=True)
class Image(Record):
    """Image of the history."""

    id: str
    filename: str = ""
    prompt: str = ""
    negative_prompt: str = ""
    width: int = 0
    height: int = 0
    num_inference_steps: int = 0
    guidance_scale: float = 0.0
    shift: float | None = None
    seed: int = 0
    model: str = ""
    use_gpu: bool = False
    device: str = ""
    size_bytes: int = 0
    created_at: datetime | None = None
    generation_time_ms: float = 0.0
    pixel_hash: str | None = None
    source: str = "zimage"
    favourite: bool = False
    tags: tuple[str, ...] = ()
    loras: tuple[Mapping[str, Any], ...] | None = None
    deleted_at: datetime | None = None
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class Timings(Record):
    """Seconds of a task in each phase; None until known."""

    queued_s: float | None = None
    load_s: float | None = None
    encode_s: float | None = None
    denoise_s: float | None = None
    decode_s: float | None = None
    save_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Task(Record):
    """Status of a task."""

    task_id: str
    status: str
    """`pending`, `processing`, `completed`, `failed`, `cancelled`, `interrupted`."""
    progress: float = 0.0
    """Per cent."""
    total_steps: int = 0
    current_step: int = 0
    step: int = 0
    steps: int = 0
    message: str = ""
    num_images: int = 1
    images: tuple[Image, ...] = ()
    """The finished images, in the order of their seeds."""
    error: str | None = None
    error_code: str | None = None
    cancelling: bool = False
    queue_position: int | None = None
    eta_seconds: float | None = None
    timings: Timings = Timings()
    worker: str | None = None
    """The worker that has begun it."""
    workers: tuple[str, ...] = ()
    """Those that draw its images now, one each."""
    preview_seq: int | None = None
    created_at: datetime | None = None
    request: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_final(self) -> bool:
        """Whether the task has ended."""
        return self.status in FINAL_STATUSES


@dataclass(frozen=True, kw_only=True)
class TaskList(Record):
    """Tasks in the order in which they run, then finished ones."""

    tasks: tuple[Task, ...] = ()


@dataclass(frozen=True, kw_only=True)
class TaskCreated(Record):
    """Id of a new task."""

    task_id: str


@dataclass(frozen=True, kw_only=True)
class HistoryPage(Record):
    """Page of the history."""

    images: tuple[Image, ...] = ()
    total: int = 0
    page: int = 1
    page_size: int = 0
    next_cursor: str | None = None


@dataclass(frozen=True, kw_only=True)
class BulkResult(Record):
    """Ids of the images that an action has changed, and of those that do not exist."""

    done: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ImageLink(Record):
    """Address of an image's PNG, to be given away."""

    url: str
    expires_at: datetime | None = None
    """Until when it opens without the token; None where it needs none, or always needs it."""


@dataclass(frozen=True, kw_only=True)
class Input(Record):
    """Picture that was sent for `init_image`, `mask` or `control`."""

    input_id: str
    width: int = 0
    height: int = 0
    format: str = ""
    has_alpha: bool = False
    size_bytes: int = 0
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelDownload(Record):
    """State of a model's download: `none`, `running` or `failed`."""

    state: str = "none"
    done_bytes: int = 0
    total_bytes: int = 0
    message: str = ""


@dataclass(frozen=True, kw_only=True)
class Model(Record):
    """Model of the catalogue."""

    id: str
    name: str = ""
    description: str = ""
    installed: bool = False
    demo: bool = False
    source: str | None = None
    download_gb: float | None = None
    size_multiple: int = 16
    sizes: tuple[tuple[int, int], ...] = ()
    default_steps: int = 0
    guidance_scale: float = 0.0
    guidance: bool = False
    shift: float = 0.0
    negative_prompt: bool = False
    repository: str | None = None
    note: str | None = None
    download: ModelDownload = ModelDownload()


@dataclass(frozen=True, kw_only=True)
class ModelList(Record):
    """Models, the one that `auto` means, and the one in memory."""

    default: str | None = None
    loaded: str | None = None
    models: tuple[Model, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LoraSuggestion(Record):
    """What the maker of a LoRA advises; None where nothing is said."""

    strength: float | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    negative_prompt: str | None = None


@dataclass(frozen=True, kw_only=True)
class Lora(Record):
    """LoRA that a request can name."""

    name: str
    title: str | None = None
    file: str = ""
    kind: str | None = None
    """`lora`, `lokr` …; None where nothing is read."""
    rank: int | None = None
    base: str | None = None
    family: str | None = None
    role: str | None = None
    matched: int = 0
    """Layers that fit the model, `of` all."""
    of: int = 0
    trigger_words: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    usage_hint: str | None = None
    suggested: LoraSuggestion = LoraSuggestion()
    preview: str | None = None
    size_bytes: int = 0
    sha256: str | None = None
    modified_at: datetime | None = None
    is_own: bool = False
    problem: str | None = None
    """Why the model cannot use it."""
    warning: str | None = None


@dataclass(frozen=True, kw_only=True)
class LoraList(Record):
    """LoRAs of the server; `n_unread` of them are still to be read."""

    loras: tuple[Lora, ...] = ()
    n_unread: int = 0
    max_upload_bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Size(Record):
    """Size in pixels."""

    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Estimate(Record):
    """Prediction for a request; seconds are None until something alike was drawn."""

    model: str
    width: int
    height: int
    device: str = ""
    dtype: str = ""
    quantization: str | None = None
    offload: str = "none"
    fits: bool = True
    device_bytes: int = 0
    device_total_bytes: int = 0
    host_bytes: int = 0
    host_total_bytes: int = 0
    load_s: float | None = None
    first_s: float | None = None
    next_s: float | None = None
    offer: Size | None = None


@dataclass(frozen=True, kw_only=True)
class Capabilities(Record):
    """Version, limits, sizes and features of the server."""

    version: str = ""
    sizes: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    features: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Worker(Record):
    """A card, or a processor, that draws one task at a time."""

    id: str
    node: str = ""
    device: str = ""
    card: str = ""
    memory_gb: float | None = None
    state: str = ""
    """`idle`, `busy`, `starting`, `failed`, `given_up`, `refused`."""
    drained: bool = False
    model: str | None = None
    task_id: str | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class SystemStatus(Record):
    """State of the server's machine; memory and disk in GiB."""

    cpu: Mapping[str, Any] = field(default_factory=dict)
    memory: Mapping[str, Any] = field(default_factory=dict)
    gpu: Mapping[str, Any] | None = None
    disk: Mapping[str, Any] = field(default_factory=dict)
    workers: tuple[Worker, ...] = ()
    fault: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Readiness(Record):
    """Whether the server takes a new task, and what stands against it."""

    status: str
    checks: Mapping[str, bool] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Whether a task would be taken."""
        return self.status == "ready"


@dataclass(frozen=True)
class Drawn:
    """Finished image: its record and its PNG."""

    image: Image
    png: bytes

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the PNG; returns where."""
        path = Path(path)
        path.write_bytes(self.png)
        return path


def id_of(image: Image | str) -> str:
    """Returns the id of an image that is named by itself or by its id."""
    return image.id if isinstance(image, Image) else image
