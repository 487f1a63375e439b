"""What the tests of the task manager share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backend.models.schemas import Door, ImageRecord
from backend.services.generation.events import Drawn
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import FakeEngine, Ticking, a_request, wait_until

Make = Callable[..., TaskManager]


class FakeStore:
    """Keeps pictures in a list; fails and waits when told to."""

    def __init__(self) -> None:
        self.pictures: list[Drawn] = []
        self.error: Exception | None = None
        self.refusal: Exception | None = None

    def prepare(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    def add(self, drawn: Drawn, client: str, door: Door | None = None) -> ImageRecord:
        if self.error is not None:
            raise self.error
        self.pictures.append(drawn)
        return ImageRecord(
            id=f"{len(self.pictures):032x}", filename="a.png", prompt=drawn.recipe.prompt, width=1, height=1,
            num_inference_steps=9, use_gpu=False, size_bytes=1, created_at=Ticking()(), generation_time_ms=1.0,
            model="m", seed=drawn.recipe.seed, device="cpu",
        )  # fmt: skip

    @property
    def prompts(self) -> list[str]:
        return [picture.recipe.prompt for picture in self.pictures]


def end(manager: TaskManager, *ids: str) -> list[TaskRecord]:
    wait_until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the end of the tasks")
    return [manager.get(task_id) for task_id in ids]


def run_into_pause(manager: TaskManager, engine: FakeEngine, step: int, prompt: str = "running") -> tuple[str, Any]:
    release = engine.pause_at(step)
    task_id = manager.submit(a_request(prompt))
    wait_until(engine.paused.is_set)
    return task_id, release


def is_told_to_close(manager: TaskManager) -> bool:
    with manager._table.changed:
        return manager.closing


def positions(manager: TaskManager, *ids: str) -> list[int | None]:
    return [manager.position_and_eta(manager.get(task_id))[0] for task_id in ids]
