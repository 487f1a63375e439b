"""What every executor does alike; each test of it is given an executor that is ready, and one of its slots."""

from __future__ import annotations

import threading
from typing import Protocol

from backend.services.generation.events import Drawn, Ended, JobEvent, Loaded, Preview, Step
from backend.services.tasks.executors.base import Executor
from tests.backend.fakes import PATIENCE_S, a_job, colour_of


class Check(Protocol):
    def __call__(self, executor: Executor, slot: str) -> None: ...


def run(executor: Executor, slot: str, prompt: str = "a red apple", **values: object) -> list[JobEvent]:
    events: list[JobEvent] = []
    executor.run(slot, a_job(prompt, **values), events.append, lambda: False)
    return events


def an_image_comes_after_its_steps(executor: Executor, slot: str) -> None:
    events = run(executor, slot)
    drawn = events[-2]
    assert isinstance(drawn, Drawn)
    assert events[-1] == Ended()
    assert [event.done for event in events if isinstance(event, Step)] == list(range(9))
    assert next(type(event) for event in events if type(event).__name__ != "Loading") is Loaded
    assert drawn.recipe == a_job().recipe


def images_come_in_the_order_of_their_seeds(executor: Executor, slot: str) -> None:
    drawn = [event for event in run(executor, slot, num_images=3) if isinstance(event, Drawn)]
    assert [event.recipe.seed for event in drawn] == [7, 8, 9]
    for event in drawn:
        assert event.image.getpixel((0, 0)) == colour_of("a red apple", event.recipe.seed, 1, 1).getpixel((0, 0))


def a_preview_comes_before_its_step(executor: Executor, slot: str) -> None:
    kinds = [type(event) for event in run(executor, slot) if isinstance(event, Preview | Step)]
    assert kinds[1:] in ([Preview, Step] * 8, [Step] * 8)  # without previews where the model has none


def the_end_says_why(executor: Executor, slot: str) -> None:
    assert run(executor, slot, "large")[-1].code == "out_of_memory"
    end = run(executor, slot, "bug")[-1]
    assert end.code == "internal_error"
    assert "secret" not in end.message
    assert run(executor, slot)[-1] == Ended()


def a_cancel_ends_it_within_a_step(executor: Executor, slot: str) -> None:
    events: list[JobEvent] = []
    cancelled = threading.Event()

    def emit(event: JobEvent) -> None:
        events.append(event)
        if isinstance(event, Step) and event.done == 2:
            cancelled.set()

    executor.run(slot, a_job("slow"), emit, cancelled.is_set)
    assert events[-1] == Ended()
    assert not any(isinstance(event, Drawn) for event in events)
    assert max(event.done for event in events if isinstance(event, Step)) <= 3


def a_slot_that_is_unloaded_draws_again(executor: Executor, slot: str) -> None:
    run(executor, slot)
    assert executor.loaded_models == ("zimage-nano",)
    executor.unload(slot)
    assert executor.loaded_models == ()
    assert run(executor, slot)[-1] == Ended()


def its_worker_is_described(executor: Executor, slot: str) -> None:
    run(executor, slot)
    [worker] = [worker for worker in executor.workers() if worker.slot == slot]
    assert (worker.state, worker.device, worker.model) == ("ready", "cpu", "zimage-nano")
    assert worker.node
    assert worker.memory_bytes > 0


def it_is_well_and_takes_jobs(executor: Executor, slot: str) -> None:
    assert executor.healthy
    assert executor.fault is None
    assert executor.fits(slot, a_job())
    told: list[tuple[str, ...]] = []
    done = threading.Event()
    executor.watch(lambda slots: (told.append(slots), done.set()))
    assert not told or (done.wait(PATIENCE_S) and slot in told[0])


CHECKS: tuple[Check, ...] = (
    an_image_comes_after_its_steps,
    images_come_in_the_order_of_their_seeds,
    a_preview_comes_before_its_step,
    the_end_says_why,
    a_cancel_ends_it_within_a_step,
    a_slot_that_is_unloaded_draws_again,
    its_worker_is_described,
    it_is_well_and_takes_jobs,
)
