"""What the paces are learned from: jobs on a clock that stands still between their events."""

from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from backend.services.generation.events import Emit, Ended, IsCancelled, JobEvent, Loaded, Loading, Step
from backend.services.generation.job import Job
from backend.services.task_manager import TaskManager
from tests.backend.fakes import PATIENCE_S, FakeExecutor, a_job, a_picture, a_request, wait_until
from tests.backend.services.tasks.managing import Make, end

Script = Iterable[tuple[float, JobEvent]]
LOAD = [(0.0, Loading("m")), (100.0, Loaded("cpu"))]
IMAGE = [(1.0, Step(0, 8)), (8.0, Step(8, 8)), (1.0, a_picture())]
"""Eight seconds for the forwards, two around them."""


class Scripted(FakeExecutor):
    """An executor that emits each event after so many seconds of a clock of its own, and may wait after some."""

    def __init__(self, *script: tuple[float, JobEvent], stop_after: int | None = None) -> None:
        self.now = 0.0
        self.stopped, self.go = threading.Event(), threading.Event()
        self._script = script
        self._stop_after = stop_after

    def prepare(self) -> tuple[str, ...]:
        return ("cpu",)

    def fits(self, slot: str, job: Job) -> bool:
        return True

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        for number, (seconds, event) in enumerate(self._script):
            self.now += seconds
            emit(event)
            if number == self._stop_after:
                self.stopped.set()
                assert self.go.wait(PATIENCE_S)
        emit(Ended())


@pytest.fixture
def run(make: Make):
    """Runs a task by a script, up to where that stops if it does; returns the manager and the task's id."""
    executors: list[Scripted] = []

    def run(executor: Scripted, num_images: int = 1) -> tuple[TaskManager, str]:
        executors.append(executor)
        manager = make(executor=executor, monotonic=lambda: executor.now)
        manager.start()
        task = manager.submit(a_request(num_images=num_images))
        if executor._stop_after is None:
            end(manager, task)
        else:
            wait_until(executor.stopped.is_set)
        return manager, task

    yield run
    for executor in executors:
        executor.go.set()


def known_s(manager: TaskManager) -> float | None:
    return manager._etas._model.seconds(a_job())


def test_loading_is_not_learned_as_work(run):
    manager, _ = run(Scripted(*LOAD, *IMAGE))
    assert known_s(manager) == pytest.approx(10.0)


def test_what_one_image_took_is_not_learned_for_the_next(run):
    """The second image has no phase of encoding: its prompt is known by then."""
    manager, _ = run(Scripted(*LOAD, *IMAGE, *IMAGE[1:]), num_images=2)
    assert known_s(manager) == pytest.approx(8.0 + 2.0 + 0.3 * (1.0 - 2.0))


def test_the_first_steps_of_a_first_image_are_a_guess(run):
    manager, task = run(Scripted(*LOAD, (1.0, Step(0, 8)), (4.0, Step(2, 8)), stop_after=3))
    assert manager.position_and_eta(manager.get(task))[1] == pytest.approx(12.0)


def test_while_a_model_is_loaded_the_end_does_not_come_nearer(run):
    executor = Scripted((0.0, Loading("m")), stop_after=0)
    manager, task = run(executor)
    manager._etas._model.learn(a_job(), denoise_s=8.0, around_s=2.0)
    for _ in range(3):
        assert manager.position_and_eta(manager.get(task))[1] == pytest.approx(10.0)
        executor.now += 60.0
