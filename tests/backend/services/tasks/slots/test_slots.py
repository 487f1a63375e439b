"""Several tasks at once: a slot each."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from backend.models.schemas import Status
from backend.services.generation.events import Emit, Ended, IsCancelled, Loaded, Step
from backend.services.generation.job import Job
from backend.services.task_manager import TaskManager
from tests.backend.fakes import PATIENCE_S, FakeExecutor, a_job, a_picture, a_request, wait_until, with_cards
from tests.backend.services.tasks.managing import Make, end


class Slots(FakeExecutor):
    """An executor whose jobs wait before each step until a test lets that job go on."""

    def __init__(self, *slots: str) -> None:
        self.slots = slots
        self.started: list[tuple[str, str]] = []
        """Slots and prompts, in the order of the starts."""
        self._free: dict[str, threading.Event] = {}

    def let_go(self, *prompts: str) -> None:
        for prompt in prompts:
            self._event(prompt).set()

    def prepare(self) -> tuple[str, ...]:
        return self.slots

    def fits(self, slot: str, job: Job) -> bool:
        return len(self.slots) == 1 or "cpu" not in self.slots or (slot == "cpu") != job.use_gpu

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        self.started.append((slot, job.recipe.prompt))
        emit(Loaded(slot))
        for index in range(job.num_images):
            emit(Step(0, 8))
            while not self._event(job.recipe.prompt).wait(0.002):
                if cancelled():
                    emit(Ended())
                    return
            emit(Step(8, 8))
            emit(a_picture(job.recipe.prompt, job.recipe_of(index).seed))
        emit(Ended())

    def _event(self, prompt: str) -> threading.Event:
        return self._free.setdefault(prompt, threading.Event())


@pytest.fixture
def two(make: Make) -> tuple[TaskManager, Slots]:
    executor = Slots("cuda:0", "cuda:1")
    manager = make(executor=executor, hardware=lambda: with_cards("cuda:0", "cuda:1"))
    manager.start()
    return manager, executor


@pytest.fixture
def submit(two) -> Callable[..., list[str]]:
    def submit(*prompts: str, client: str = "me", **values: object) -> list[str]:
        return [two[0].submit(a_request(prompt, **values), client) for prompt in prompts]

    return submit


def both_run(executor: Slots, number: int = 2) -> None:
    wait_until(lambda: len(executor.started) == number, f"the start of {number} tasks")


def test_two_tasks_run_at_once_and_a_third_one_waits(two, submit):
    manager, executor = two
    first, second, third = submit("1", "2", "3")
    both_run(executor)

    assert {slot for slot, _ in executor.started} == {"cuda:0", "cuda:1"}
    assert [manager.get(task).status for task in (first, second, third)] == ["processing", "processing", "pending"]
    assert [task.id for task in manager.active()] == [first, second, third]
    assert manager.position_and_eta(manager.get(third))[0] == 0

    executor.let_go("2")
    end(manager, second)
    both_run(executor, 3)
    assert manager.get(first).status is Status.PROCESSING
    executor.let_go("1", "3")
    assert {task.status for task in end(manager, first, third)} == {Status.COMPLETED}


def test_a_cancel_hits_its_own_slot(two, submit):
    manager, executor = two
    first, second = submit("1", "2")
    both_run(executor)

    manager.cancel(second)
    assert end(manager, second)[0].status is Status.CANCELLED
    assert manager.get(first).status is Status.PROCESSING
    assert not manager.get(first).cancelling
    executor.let_go("1")
    assert end(manager, first)[0].status is Status.COMPLETED


def test_the_eta_counts_both_slots(two, submit):
    manager, executor = two
    executor.let_go("known")
    end(manager, *submit("known"))
    tasks = submit("1", "2", "3", "4", "5")
    both_run(executor, 3)
    etas = [manager.position_and_eta(manager.get(task))[1] for task in tasks]

    assert all(eta is not None for eta in etas)
    assert sorted(etas) == etas
    executor.let_go("1", "2", "3", "4", "5")
    end(manager, *tasks)


def test_clients_take_turns_over_the_slots(two, submit):
    manager, executor = two
    tasks = submit("busy 1", "busy 2", client="first")
    both_run(executor)
    tasks += submit("a1", "a2", "a3", client="a") + submit("b1", client="b")
    executor.let_go("busy 1", "busy 2")
    both_run(executor, 4)
    assert {prompt for _, prompt in executor.started[2:]} == {"a1", "b1"}
    executor.let_go("a1", "a2", "a3", "b1")
    end(manager, *tasks)


def test_a_task_for_a_card_passes_over_the_processors_slot(make):
    executor = Slots("cuda", "cpu")
    manager = make(executor=executor, hardware=with_cards)
    manager.start()
    busy = manager.submit(a_request("busy"))
    both_run(executor, 1)
    waits, goes = manager.submit(a_request("card")), manager.submit(a_request("any", use_gpu=False))
    both_run(executor, 2)

    assert executor.started == [("cuda", "busy"), ("cpu", "any")]
    assert manager.get(waits).status is Status.PENDING
    executor.let_go("busy", "any", "card")
    end(manager, busy, waits, goes)
    assert executor.started[2] == ("cuda", "card")


def test_closing_interrupts_what_runs_in_every_slot(two, submit):
    manager, executor = two
    first, second, third = submit("1", "2", "3")
    both_run(executor)

    assert manager.close(PATIENCE_S)

    assert [manager.get(task).status for task in (first, second, third)] == ["interrupted", "interrupted", "pending"]
    assert manager.alive


def test_the_etas_of_two_slots_run_side_by_side(make):
    executor = Slots("cuda:0", "cuda:1")
    manager = make(executor=executor, hardware=lambda: with_cards("cuda:0", "cuda:1"), monotonic=lambda: 0.0)
    manager.start()
    manager._etas._model.learn(a_job(use_gpu=True), denoise_s=8.0, around_s=2.0)
    tasks = [manager.submit(a_request(f"{n}")) for n in range(4)]
    both_run(executor)
    wait_until(lambda: all(run.heard_at is not None for run in manager._workers.books.running.values()))

    etas = [manager.position_and_eta(manager.get(task))[1] for task in tasks]
    assert etas == pytest.approx([10.0, 10.0, 20.0, 20.0])
    executor.let_go("0", "1", "2", "3")
    end(manager, *tasks)


def test_a_slot_that_is_free_counts(make):
    manager = make(executor=Slots("cuda:0", "cuda:1"), hardware=lambda: with_cards("cuda:0", "cuda:1"))
    manager._etas._model.learn(a_job(use_gpu=True), denoise_s=8.0, around_s=2.0)
    manager._workers.slots = ("cuda:0", "cuda:1")  # prepared, and nobody has taken anything yet
    tasks = [manager.submit(a_request(f"{n}")) for n in range(3)]
    assert [manager.position_and_eta(manager.get(task))[1] for task in tasks] == pytest.approx([10.0, 10.0, 20.0])


def test_a_task_for_a_card_is_not_foretold_in_the_idle_lane_of_the_processor(make):
    executor = Slots("cuda", "cpu")
    manager = make(executor=executor, hardware=with_cards, monotonic=lambda: 0.0)
    manager.start()
    manager._etas._model.learn(a_job(use_gpu=True), denoise_s=80.0, around_s=20.0)
    tasks = [manager.submit(a_request(f"{n}")) for n in range(3)]
    both_run(executor, 1)

    etas = [manager.position_and_eta(manager.get(task))[1] for task in tasks]
    assert etas == pytest.approx([100.0, 200.0, 300.0])
    executor.let_go("0", "1", "2")
    end(manager, *tasks)
