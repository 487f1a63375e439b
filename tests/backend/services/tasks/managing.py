"""What the tests of the task manager share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.models.schemas import ImageRecord, TaskRecord
from backend.services.generator import GeneratedImage
from backend.services.task_manager import TaskManager
from tests.backend.fakes import FakeEngine, Ticking, a_request, wait_until

Make = Callable[..., TaskManager]


class FakeStore:
    """Keeps pictures in a list; fails and waits when told to."""

    def __init__(self) -> None:
        self.pictures: list[GeneratedImage] = []
        self.error: Exception | None = None

    def add(self, generated: GeneratedImage, client: str) -> ImageRecord:
        if self.error is not None:
            raise self.error
        self.pictures.append(generated)
        return ImageRecord(
            id=f"{len(self.pictures):032x}", filename="a.png", prompt=generated.prompt, width=1, height=1,
            num_inference_steps=9, use_gpu=False, size_bytes=1, created_at=Ticking()(), generation_time_ms=1.0,
            model="m", seed=0, device="cpu",
        )  # fmt: skip

    @property
    def prompts(self) -> list[str]:
        return [picture.prompt for picture in self.pictures]


def end(manager: TaskManager, *ids: str) -> list[TaskRecord]:
    wait_until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the end of the tasks")
    return [manager.get(task_id) for task_id in ids]


def run_into_pause(manager: TaskManager, engine: FakeEngine, step: int, prompt: str = "running") -> tuple[str, Any]:
    release = engine.pause_at(step)
    task_id = manager.submit(a_request(prompt))
    wait_until(engine.paused.is_set)
    return task_id, release


def is_told_to_close(manager: TaskManager) -> bool:
    with manager._changed:
        return manager._closing


def positions(manager: TaskManager, *ids: str) -> list[int | None]:
    return [manager.outlook(manager.get(task_id)).queue_position for task_id in ids]
