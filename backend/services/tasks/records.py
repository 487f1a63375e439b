"""What is known of a task, and collections of such records. Pure functions."""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import datetime

from pydantic import Field

from backend.models.edit import Identifier
from backend.models.recipe import Frozen, is_none
from backend.models.schemas import LOCAL_CLIENT, Door, GenerateRequest, ImageRecord, Status, Timings
from backend.services.errors import IdempotencyMismatch, ShutDown
from backend.services.generation.job import Job
from backend.utils.texts import as_utf_8

INTERRUPTED = "The program ended while this task was running; it was not started again by itself."


class TaskRecord(Frozen):
    """What is known of one task; a new record replaces the old one at every change."""

    id: Identifier
    request: GenerateRequest
    """As it was sent, with the settings' defaults."""
    job: Job | None = None
    """What the request means; None in journals of versions that decided it later."""
    client: str = LOCAL_CLIENT
    door: Door | None = Field(default=None, exclude_if=is_none)
    idempotency_key: str | None = None
    status: Status = Status.PENDING
    step: int = 0
    """Finished steps of the pictures that are being drawn, together."""
    message: str = ""
    error: str | None = None
    error_code: str | None = None
    cancelling: bool = False
    created_at: datetime
    images: tuple[ImageRecord, ...] = ()
    timings: Timings = Timings()
    worker: str | None = None
    """Name of the slot that has begun it."""
    workers: tuple[str, ...] = Field(default=(), exclude=True)
    """Names of the slots that draw it now."""
    lost: tuple[int, ...] = ()
    """Indexes of the images whose workers have died, and which were drawn again."""
    preview_seq: int | None = Field(default=None, exclude=True)
    queued_at: float | None = Field(default=None, exclude=True)
    """When it was queued, by the clock of this run of the program."""

    @property
    def result(self) -> ImageRecord | None:
        """The newest picture."""
        return self.images[-1] if self.images else None

    @property
    def steps(self) -> int:
        """Steps of one picture: the forwards, and the picture on the disk."""
        if self.job is not None and self.job.recipe.init_image is not None:
            return self.job.recipe.forwards + 1
        return self.request.num_inference_steps

    @property
    def total_steps(self) -> int:
        """Steps of all pictures together."""
        return self.steps * self.request.num_images

    @property
    def current_step(self) -> int:
        """Finished steps of all pictures together."""
        return min(len(self.images) * self.steps + self.step, self.total_steps)

    @property
    def progress(self) -> float:
        """Share of the work that is done, 0–100."""
        return round(100 * self.current_step / self.total_steps, 1)


def interrupted(task: TaskRecord) -> TaskRecord:
    """Returns a task that ran when the program ended."""
    changes = {"status": Status.INTERRUPTED, "message": "Interrupted", "cancelling": False}
    return task.model_copy(update={**changes, "error": INTERRUPTED, "error_code": ShutDown.code})


def with_clean_texts(task: TaskRecord) -> TaskRecord:
    """Returns a task whose texts can be stored and sent."""
    texts = {name: text for name in ("message", "error") if isinstance(text := getattr(task, name), str)}
    clean = {name: as_utf_8(text) for name, text in texts.items()}
    return task if clean == texts else task.model_copy(update=clean)


def find_repeat(tasks: Mapping[str, TaskRecord], client: str, key: str | None, request: GenerateRequest) -> str | None:
    """Returns the id of the task that a client has asked for with this key before, or None.

    Raises:
        IdempotencyMismatch: the key came with another request.
    """
    if key is None:
        return None
    own = (task for task in tasks.values() if task.client == client)
    known = next((task for task in own if task.idempotency_key == key), None)
    if known is not None and known.request != request:
        raise IdempotencyMismatch("This Idempotency-Key came with another request before; use a new one.")
    return None if known is None else known.id


def is_seen_by(task: TaskRecord, owner: str | None, owners: Container[str]) -> bool:
    """Tells whether a task is shown to somebody; None sees all, and a task of nobody who has a name is everybody's."""
    return owner is None or task.client == owner or task.client not in owners


def with_finished(tasks: Mapping[str, TaskRecord], *ended: TaskRecord) -> dict[str, TaskRecord]:
    """Puts tasks that have ended at the end of all tasks: finished ones stand in the order of their ends."""
    last = {task.id: task for task in ended}
    return {**{task_id: other for task_id, other in tasks.items() if task_id not in last}, **last}


def without_oldest(tasks: Mapping[str, TaskRecord], kept: int) -> dict[str, TaskRecord]:
    """Forgets finished tasks beyond a number: the oldest ones of whoever has most, so that nobody drives out others."""
    finished: dict[str, list[str]] = {}
    for task in tasks.values():
        if task.status.is_final:
            finished.setdefault(task.client, []).append(task.id)
    forgotten = set()
    for _ in range(sum(map(len, finished.values())) - kept):
        forgotten.add(max(finished.values(), key=len).pop(0))
    return {task_id: task for task_id, task in tasks.items() if task_id not in forgotten}


def without_finished(tasks: Mapping[str, TaskRecord], client: str) -> dict[str, TaskRecord]:
    """Forgets the finished tasks of a client."""
    return {key: task for key, task in tasks.items() if task.client != client or not task.status.is_final}
