from __future__ import annotations

import pytest

from backend.models.schemas import Status
from backend.services.errors import DiskFull, UnknownModel
from backend.services.generation.resolve import Resolver
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.local import LocalExecutor
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_job, a_request, wait_until, with_cards
from tests.backend.services.tasks.managing import end, run_into_pause


def test_the_timeout_counts_from_the_start_not_from_the_queue(make, engine, store):
    now = 0.0
    manager = make(timeout_s=600.0, monotonic=lambda: now)
    manager.start()
    first, release_first = run_into_pause(manager, engine, 1, "first")
    second = manager.submit(a_request("second"))

    now = 599.0
    release_first()
    wait_until(lambda: manager.get(first).status.is_final)
    now = 1198.0  # the second one has waited for ten minutes and run for nearly ten more
    [one, two] = end(manager, first, second)

    assert [one.status, two.status] == [Status.COMPLETED, Status.COMPLETED]


def test_a_task_that_takes_too_long_fails_before_its_decode(make, engine, store):
    now = 0.0
    manager = make(timeout_s=600.0, monotonic=lambda: now)
    manager.start()
    running, release = run_into_pause(manager, engine, 3)

    now = 600.5
    release()

    [task] = end(manager, running)
    assert (task.status, task.error_code) == (Status.FAILED, "timeout")
    assert "600 s" in task.error
    assert engine.decoded == []
    assert end(manager, manager.submit(a_request("next")))[0].status is Status.COMPLETED


@pytest.mark.parametrize("step", [0, 1, 8])
def test_a_failing_engine_does_not_stop_the_queue(manager, engine, store, step):
    engine.errors[step] = RuntimeError("boom")

    one, two = end(manager, manager.submit(a_request("1")), manager.submit(a_request("2")))

    assert (one.status, one.error_code, one.result) == (Status.FAILED, "internal_error", None)
    assert "boom" not in one.error
    assert (two.status, store.prompts) == (Status.COMPLETED, ["2"])


def test_a_model_that_cannot_be_loaded_fails_each_task_and_is_tried_again(manager, engine):
    engine.load_error = RuntimeError("no")
    [one] = end(manager, manager.submit(a_request()))
    engine.load_error = None
    [two] = end(manager, manager.submit(a_request()))

    assert [one.status, two.status] == [Status.FAILED, Status.COMPLETED]
    assert len(engine.loads) == 2


def test_a_failing_store_does_not_stop_the_queue(manager, store):
    store.error = DiskFull("There is no room.")
    [one] = end(manager, manager.submit(a_request()))
    store.error = None
    [two] = end(manager, manager.submit(a_request()))

    assert (one.status, one.error_code, one.error) == (Status.FAILED, "insufficient_storage", "There is no room.")
    assert one.current_step < one.total_steps
    assert two.status is Status.COMPLETED


def test_a_generator_that_cannot_be_prepared_does_not_end_the_worker(make, settings, engine):
    looks: list[None] = []

    def detect():
        looks.append(None)
        if len(looks) == 1:
            raise RuntimeError("no driver")
        return PLAIN_CPU

    manager = make(hardware=detect)
    manager.start()

    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


def test_a_request_that_cannot_be_resolved_later_fails_alone(make, tmp_path, engine, store):
    """Of a journal without jobs, whose requests are resolved when their turn comes."""
    first = make()
    ids = [first.submit(a_request(prompt)) for prompt in ("gone", "boom", "good")]  # not started
    for task_id in ids:
        first._table.update(task_id, job=None)
    first._table.save()

    class Broken:
        def complete(self, request):
            return request

        def resolve(self, request):
            if request.prompt == "gone":
                raise UnknownModel("There is no such model.")
            if request.prompt == "boom":
                raise RuntimeError("boom")
            return a_job(request.prompt)

    second = make(resolver=Broken())
    second.start()

    tasks = end(second, *ids)
    assert [task.status for task in tasks] == [Status.FAILED, Status.FAILED, Status.COMPLETED]
    assert [task.error_code for task in tasks] == ["unknown_model", "internal_error", None]
    assert "boom" not in tasks[1].error
    assert store.prompts == ["good"]


def test_a_sick_card_does_not_take_the_queue_from_a_sound_one(make, settings):
    sick, sound, cards = FakeEngine(), FakeEngine(), with_cards("cuda:0", "cuda:1")

    def fail(step: int) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    sick.watch = fail
    engines = iter([sick, sound])
    own = settings.model_copy(update={"devices": ("auto",)})
    executor = LocalExecutor(own, Catalogue(own), lambda: next(engines), lambda: cards)
    manager = make(executor=executor, resolver=Resolver(own, Catalogue(own), lambda: cards))
    release = sound.pause_at(1)
    ids = [manager.submit(a_request(f"{n}")) for n in range(20)]
    manager.start()
    wait_until(lambda: len(sick.requests) == 2 and sound.paused.is_set())
    release()

    codes = [task.error_code for task in end(manager, *ids)]
    assert (codes.count("device_error"), codes.count(None)) == (2, 18)
