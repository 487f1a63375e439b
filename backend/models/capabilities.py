"""Limits, sizes and features of this server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import get_args

from pydantic import BaseModel, ConfigDict, Field

from backend.models.config import Settings
from backend.models.gallery import MAX_BULK, MAX_TAG_CHARACTERS, MAX_TAGS, ThumbnailWidth
from backend.models.recipe import ANNOTATED, MAX_SEED, AnnotatedKind, ControlKind, Frozen
from backend.models.schemas import (
    MAX_PICTURES,
    MAX_PROMPT_CHARACTERS,
    MAX_SIDE_PX,
    MAX_STEPS,
    MIN_SIDE_PX,
    SIDE_MULTIPLE_PX,
    Door,
)

PRESETS = ((512, 512), (768, 768), (1024, 1024), (1536, 1536), (1152, 896), (1216, 832), (1344, 768), (1536, 640))
"""Landscape sizes, in pixels; each stands for its portrait as well."""


class Size(Frozen):
    """Width and height of an image in pixels."""

    width: int
    height: int


class SizeLimits(Frozen):
    """Sizes that a request may have."""

    min_side: int = MIN_SIDE_PX
    max_side: int = MAX_SIDE_PX
    multiple: int = SIDE_MULTIPLE_PX
    default: Size
    presets: list[Size]


class RequestLimits(Frozen):
    """Limits of a request."""

    max_prompt_characters: int = MAX_PROMPT_CHARACTERS
    max_steps: int = MAX_STEPS
    default_steps: int
    max_seed: int = MAX_SEED
    max_pictures: int = MAX_PICTURES
    max_work: int
    max_queued_tasks: int
    max_queued_tasks_per_client: int
    max_upload_bytes: int
    max_bulk: int = MAX_BULK
    max_tags: int = MAX_TAGS
    max_tag_characters: int = MAX_TAG_CHARACTERS
    task_timeout_s: float
    trash_days: float


class DoorAddress(Frozen):
    """Where a protocol of another program is answered."""

    name: Door
    path: str = Field(description="Behind the origin, as clients of the protocol want it.")
    port: int | None = Field(default=None, description="Of its own; null for the ports of the API and the UI.")


class Features(Frozen):
    """Features of this server."""

    preview: bool = True
    events: bool = True
    retry: bool = True
    reorder: bool = True
    idempotency: bool = True
    trash: bool = True
    tokens: bool = True
    metrics: bool = True
    login: bool


class PreprocessorInfo(Frozen):
    """What makes a control image of an image."""

    kind: ControlKind
    available: bool = Field(description="Whether it can be made here; false where its model is missing.")
    note: str = Field(default="", description="The model that makes it, or what is missing; empty without a model.")


class Capabilities(Frozen):
    """Limits, sizes and features. The models are at /api/models."""

    version: str
    sizes: SizeLimits
    limits: RequestLimits
    features: Features
    doors: list[DoorAddress] = Field(default=[], description="Protocols of other programs that are answered.")
    preprocessors: list[PreprocessorInfo] = Field(
        default=[], description="What control images are made with; `kind` of POST /api/inputs/control."
    )
    thumbnail_widths: list[int] = Field(
        default=[int(width) for width in ThumbnailWidth],
        description="Values of `w` at a thumbnail's address: its real width, unless the image is narrower.",
    )


class Readiness(Frozen):
    """Whether a new task would be accepted."""

    status: str
    checks: dict[str, bool]


class DrainRequest(BaseModel):
    """Whether to accept no new tasks."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    drain: bool


def describe_capabilities(
    settings: Settings,
    version: str,
    doors: Sequence[DoorAddress] = (),
    remark: Callable[[AnnotatedKind], tuple[bool, str]] = lambda _kind: (False, ""),
) -> Capabilities:
    """Builds the capabilities from the settings and the schemas.

    Args:
        settings: of the server.
        version: of the program.
        doors: that are open.
        remark: tells whether control images that need a model can be made, and with what, or why not.
    """
    made = [(kind, *(remark(kind) if kind in ANNOTATED else (True, ""))) for kind in get_args(ControlKind)]
    sides = [*PRESETS, *((height, width) for width, height in PRESETS if width != height)]
    return Capabilities(
        version=version,
        doors=list(doors),
        preprocessors=[PreprocessorInfo(kind=kind, available=available, note=note) for kind, available, note in made],
        sizes=SizeLimits(
            default=Size(width=settings.default_width, height=settings.default_height),
            presets=[Size(width=width, height=height) for width, height in sides],
        ),
        limits=RequestLimits(
            default_steps=settings.default_num_inference_steps,
            max_work=settings.max_work,
            max_queued_tasks=settings.max_queued_tasks,
            max_queued_tasks_per_client=settings.max_queued_tasks_per_client,
            max_upload_bytes=settings.max_upload_mb * 2**20,
            task_timeout_s=settings.task_timeout,
            trash_days=settings.trash_days,
        ),
        features=Features(login=bool(settings.tokens)),
    )
