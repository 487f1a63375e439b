"""What the tools need of a Z-Image, whether it runs in this process or elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

Body = Mapping[str, Any]
"""Body of a `POST /api/generate`."""


@dataclass(frozen=True)
class Picture:
    """An image of the history."""

    id: str
    filename: str
    prompt: str
    width: int
    height: int
    seed: int
    model: str
    created_at: str
    size_bytes: int
    url: str | None
    """Address of the PNG; None where there is none that lasts."""

    @property
    def uri(self) -> str:
        """Address of the PNG as a resource of MCP."""
        return f"{URI}{self.id}"


URI = "zimage://image/"


@dataclass(frozen=True)
class Progress:
    """A task at a moment."""

    task_id: str
    status: str
    is_final: bool
    done: int
    total: int
    message: str
    images: tuple[Picture, ...]
    error: str | None
    error_code: str | None
    queue_position: int | None
    eta_seconds: float | None


@dataclass(frozen=True)
class ModelFacts:
    """A model of the catalogue."""

    id: str
    name: str
    description: str
    installed: bool
    is_default: bool
    takes_guidance: bool
    takes_negative_prompt: bool
    default_steps: int
    sizes: tuple[tuple[int, int], ...]
    """The only sizes that it draws; empty for any."""


@dataclass(frozen=True)
class LoraFacts:
    """A LoRA that a request can name."""

    name: str
    kind: str | None
    fault: str | None = None
    """Why it cannot be used."""
    trigger_words: tuple[str, ...] = ()
    """What belongs into the prompt."""


class Studio(Protocol):
    """A Z-Image, as one client sees it. Whatever is refused is a `StudioError`."""

    def drawing(self, body: Body) -> AbstractAsyncContextManager[AsyncIterator[Progress]]:
        """Queues a request and yields its task at every change; a task that is left before its end is cancelled."""

    async def submit(self, body: Body) -> str:
        """Queues a request that goes on by itself; returns the task's id."""

    async def task(self, task_id: str) -> Progress:
        """Looks at a task."""

    async def tasks(self) -> list[Progress]:
        """Lists the tasks that wait or run."""

    async def wait(self, task_id: str, seconds: float) -> Progress:
        """Looks at a task when it has ended, or when the time is over."""

    async def cancel(self, task_id: str) -> Progress:
        """Cancels a task."""

    async def keep(self, image: bytes) -> str:
        """Keeps an image to draw from; returns the id of the input."""

    async def models(self) -> list[ModelFacts]:
        """Lists the models."""

    async def loras(self, model: str | None = None) -> list[LoraFacts]:
        """Lists the LoRAs, as a model takes them; the best one without a name."""

    async def search(self, words: str, limit: int) -> tuple[list[Picture], int]:
        """Finds images, newest first; also returns how many there are in all."""

    async def png(self, image_id: str) -> bytes:
        """Returns the PNG of an image."""
