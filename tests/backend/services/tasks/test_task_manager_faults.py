from __future__ import annotations

import threading

import pytest

from backend.models.schemas import Status
from backend.services.errors import DiskFull, UnknownModel
from backend.services.generation.events import Emit, IsCancelled
from backend.services.generation.job import Job
from backend.services.generation.resolve import Resolver
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.local import LocalExecutor
from tests.backend.fakes import (
    PATIENCE_S,
    PLAIN_CPU,
    FakeEngine,
    a_job,
    a_request,
    make_planner,
    wait_until,
    with_cards,
)
from tests.backend.services.tasks.managing import end, run_into_pause
from tests.backend.services.tasks.slots.test_slots import Slots, both_run


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


def test_a_model_that_cannot_be_loaded_fails_each_task_and_is_tried_again(make, engine):
    manager = make()
    engine.load_error = RuntimeError("no")
    manager.start()
    [one] = end(manager, manager.submit(a_request()))
    engine.load_error = None
    [two] = end(manager, manager.submit(a_request()))

    assert [one.status, two.status] == [Status.FAILED, Status.COMPLETED]
    assert len(engine.loads) == 3  # the first one while nobody waited


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
    first._table.save_if_possible()

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
    executor = LocalExecutor(
        own, Catalogue(own), lambda: next(engines), lambda: cards, make_planner(own, lambda: cards)
    )
    manager = make(executor=executor, resolver=Resolver(own, Catalogue(own), lambda: cards))
    release = sound.pause_at(1)
    ids = [manager.submit(a_request(f"{n}")) for n in range(20)]
    manager.start()
    wait_until(lambda: len(sick.requests) == 2 and sound.paused.is_set())
    release()

    codes = [task.error_code for task in end(manager, *ids)]
    assert (codes.count("device_error"), codes.count(None)) == (2, 18)


class Panic(BaseException):
    """What a panic of a library in Rust is in Python."""


@pytest.mark.parametrize("error", [Panic("byte index 3 is not a char boundary"), KeyError("x"), SystemExit(1)])
def test_whatever_escapes_the_executor_ends_the_task_and_not_its_slot(make, error, caplog):
    class Escaping(Slots):
        def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
            if job.recipe.prompt == "bad":
                raise error
            super().run(slot, job, emit, cancelled)

    executor = Escaping("cuda:0", "cuda:1")
    manager = make(executor=executor, hardware=lambda: with_cards("cuda:0", "cuda:1"))
    manager.start()
    for task in end(manager, *(manager.submit(a_request("bad")) for _ in range(3))):
        assert (task.status, task.error_code) == (Status.FAILED, "internal_error")
        assert type(error).__name__ in task.error
    wait_until(lambda: manager._workers.books.running == {})
    assert "the executor failed" in caplog.text

    both = [manager.submit(a_request(prompt)) for prompt in ("1", "2")]
    both_run(executor)
    executor.let_go("1", "2")
    assert {task.status for task in end(manager, *both)} == {Status.COMPLETED}
    assert manager.alive


def test_an_executor_that_does_not_say_how_a_task_ended(make):
    class Silent(Slots):
        def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
            pass

    manager = make(executor=Silent("cpu"))
    manager.start()
    [task] = end(manager, manager.submit(a_request()))
    assert (task.status, task.error_code) == (Status.FAILED, "internal_error")


def test_a_panic_of_the_engine_does_not_end_the_worker(manager, engine):
    engine.errors[1] = Panic("byte index 3 is not a char boundary")
    one, two = end(manager, manager.submit(a_request("1")), manager.submit(a_request("2")))
    assert (one.error_code, two.status) == ("internal_error", Status.COMPLETED)


def test_a_start_that_fails_once_has_all_its_slots_with_the_next_task(make, settings):
    looks, four = [], with_cards("cuda:0", "cuda:1", "cuda:2", "cuda:3")

    def detect():
        looks.append(None)
        if len(looks) == 1:
            raise RuntimeError("the driver is not up yet")
        return four

    own = settings.model_copy(update={"devices": ("auto",)})
    executor = LocalExecutor(own, Catalogue(own), FakeEngine, detect, make_planner(own, detect))
    manager = make(executor=executor, resolver=Resolver(own, Catalogue(own), lambda: four))
    manager.start()
    wait_until(lambda: looks)
    [task] = end(manager, manager.submit(a_request()))

    assert task.status is Status.COMPLETED
    assert manager._workers.slots == ("cuda:0", "cuda:1", "cuda:2", "cuda:3")
    assert len(manager._workers._threads) == 4
    assert manager.alive


def test_a_start_that_keeps_failing_is_reported_by_each_task(make, settings):
    own = settings.model_copy(update={"devices": ("cuda:7",)})
    executor = LocalExecutor(own, Catalogue(own), FakeEngine, lambda: PLAIN_CPU, make_planner(own, lambda: PLAIN_CPU))
    manager = make(executor=executor)
    manager.start()
    tasks = end(manager, manager.submit(a_request()), manager.submit(a_request()))
    assert [task.error_code for task in tasks] == ["unknown_device"] * 2
    assert manager.alive


def test_closing_while_the_threads_start_is_safe(make, monkeypatch):
    """A thread that has not been started cannot be joined."""
    manager = make(executor=Slots("a", "b"))
    start, reached, go = threading.Thread.start, threading.Event(), threading.Event()

    def start_slowly(thread: threading.Thread) -> None:
        if thread.name == "b":
            reached.set()
            assert go.wait(PATIENCE_S)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_slowly)
    manager.start()
    assert reached.wait(PATIENCE_S)
    ended: list[bool] = []
    closing = threading.Thread(target=lambda: ended.append(manager.close(0.0)))
    start(closing)
    closing.join(0.05)
    go.set()
    closing.join(PATIENCE_S)
    assert len(ended) == 1


def test_what_the_processor_draws_for_a_card_that_is_gone_is_learned_as_the_processors(make, settings):
    executor = Slots("cpu")
    executor.let_go("card")
    manager = make(executor=executor, hardware=with_cards)
    manager.start()
    [task] = end(manager, manager.submit(a_request("card")))

    assert task.job.use_gpu is False
    eta_model = manager._etas._model
    assert [eta_model.seconds(a_job(use_gpu=use_gpu)) is None for use_gpu in (True, False)] == [True, False]
