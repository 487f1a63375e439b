from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from backend.models.schemas import ImageRecord, Status, TaskRecord
from backend.services.catalogue import Catalogue
from backend.services.errors import DiskFull, QueueFull, TaskAlreadyFinished, UnknownModel, UnknownTask
from backend.services.generator import GeneratedImage, ImageGenerator
from backend.services.journal import Journal
from backend.services.task_manager import INTERRUPTED, TaskManager
from tests.backend.fakes import PLAIN_CPU, FakeEngine, Ticking, a_request, wait_until


class FakeStore:
    """Keeps pictures in a list; fails and waits when told to."""

    def __init__(self) -> None:
        self.pictures: list[GeneratedImage] = []
        self.error: Exception | None = None

    def add(self, generated: GeneratedImage) -> ImageRecord:
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


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


Make = Callable[..., TaskManager]


@pytest.fixture
def make(settings, engine, store, tmp_path) -> Iterator[Make]:
    """Builds managers that share engine, store and journal; ends them all afterwards."""
    made: list[TaskManager] = []

    def make(**options: Any) -> TaskManager:
        generator = options.pop("generator", None)
        generator = generator or ImageGenerator(settings, Catalogue(settings), engine, lambda: PLAIN_CPU)
        defaults = {"admit": lambda request: None, "timeout_s": 600.0, "max_queued": 100, "kept_finished": 200}
        manager = TaskManager(generator, store, Journal(tmp_path / "tasks.json"), **{**defaults, **options})
        made.append(manager)
        return manager

    yield make
    for manager in made:
        if manager._worker.ident is not None:
            assert manager.close()


@pytest.fixture
def manager(make: Make) -> TaskManager:
    manager = make()
    manager.start()
    return manager


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


# -- order and progress -----------------------------------------------------------------------------------------------


def test_ten_tasks_give_ten_pictures_in_order(manager, store):
    prompts = [f"picture {n}" for n in range(10)]

    tasks = end(manager, *[manager.submit(a_request(prompt)) for prompt in prompts])

    assert [task.status for task in tasks] == [Status.COMPLETED] * 10
    assert store.prompts == prompts
    assert [task.result.prompt for task in tasks] == prompts


@pytest.mark.parametrize(("steps", "seen"), [(9, list(range(9))), (2, [0, 1]), (1, [0, 0])])
def test_current_step_counts_forwards_and_the_last_step_is_the_saved_picture(manager, engine, store, steps, seen):
    looks: list[TaskRecord] = []
    engine.watch = lambda step: looks.append(manager.active()[0])

    [task] = end(manager, manager.submit(a_request(num_inference_steps=steps)))

    assert [look.current_step for look in looks] == seen
    assert {look.status for look in looks} == {Status.PROCESSING}
    assert all(look.progress < 100 and look.total_steps == steps for look in looks)
    assert (task.current_step, task.progress) == (steps, 100)
    assert task.message.startswith("Completed in ")


def test_a_hundred_percent_means_that_the_picture_is_saved(manager, store, monkeypatch):
    seen: list[float] = []
    add = store.add
    monkeypatch.setattr(store, "add", lambda picture: (seen.append(manager.active()[0].progress), add(picture))[1])

    end(manager, manager.submit(a_request()))

    assert seen == [88.9]


def test_loading_is_said(make, engine):
    manager, messages = make(), []
    engine.load = lambda path, plan: messages.append(manager.active()[0].message)
    manager.start()

    end(manager, manager.submit(a_request()))

    assert messages == ["Loading zimage-nano"]


def test_positions_in_the_queue(manager, engine):
    running, release = run_into_pause(manager, engine, 1)
    first, second = manager.submit(a_request("1")), manager.submit(a_request("2"))

    assert [manager.queue_position(task) for task in (running, first, second)] == [None, 0, 1]
    manager.cancel(first)
    assert [manager.queue_position(task) for task in (first, second)] == [None, 0]
    release()


# -- cancel -----------------------------------------------------------------------------------------------------------


def test_cancel_a_waiting_task(manager, engine, store):
    running, release = run_into_pause(manager, engine, 1)
    waiting = manager.submit(a_request("waiting"))

    assert manager.cancel(waiting).status is Status.CANCELLED
    release()

    end(manager, running)
    assert store.prompts == ["running"]
    with pytest.raises(TaskAlreadyFinished, match="cancelled already"):
        manager.cancel(waiting)


def test_cancel_a_running_task_twice(manager, engine, store):
    running, release = run_into_pause(manager, engine, 4)

    for _ in range(2):
        assert manager.cancel(running).cancelling
    release()

    [task] = end(manager, running)
    assert (task.status, task.cancelling, task.error, task.result) == (Status.CANCELLED, False, None, None)
    assert task.current_step == 4
    assert engine.decoded == []
    assert store.prompts == []


def test_a_cancel_during_the_decode_saves_nothing(manager, engine, store):
    running, release = run_into_pause(manager, engine, 8)  # all forwards are done, the picture is still to come

    manager.cancel(running)
    release()

    assert end(manager, running)[0].status is Status.CANCELLED
    assert engine.decoded == ["running"]
    assert store.prompts == []


def test_a_cancel_that_comes_while_the_picture_is_saved_is_refused(manager, store, monkeypatch):
    refusals = []

    def cancel_then_add(generated):
        [task] = manager.active()
        with pytest.raises(TaskAlreadyFinished) as refusal:
            manager.cancel(task.id)
        refusals.append(str(refusal.value))
        return add(generated)

    add = store.add
    monkeypatch.setattr(store, "add", cancel_then_add)
    [task] = end(manager, manager.submit(a_request()))
    assert task.status is Status.COMPLETED
    assert not task.cancelling
    assert "being saved" in refusals[0]


def test_a_cancel_does_not_hit_the_next_task(manager, engine, store):
    running, release = run_into_pause(manager, engine, 1)
    following = manager.submit(a_request("next"))
    manager.cancel(running)
    release()

    assert [task.status for task in end(manager, running, following)] == [Status.CANCELLED, Status.COMPLETED]
    with pytest.raises(TaskAlreadyFinished):
        manager.cancel(running)
    assert end(manager, manager.submit(a_request("after")))[0].status is Status.COMPLETED


def test_a_finished_task_and_an_unknown_one_cannot_be_cancelled(manager):
    [task] = end(manager, manager.submit(a_request()))
    with pytest.raises(TaskAlreadyFinished, match="completed already"):
        manager.cancel(task.id)
    with pytest.raises(UnknownTask):
        manager.cancel("0" * 32)
    with pytest.raises(UnknownTask):
        manager.get("0" * 32)


# -- timeout and failures ---------------------------------------------------------------------------------------------


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

    manager = make(generator=ImageGenerator(settings, Catalogue(settings), engine, detect))
    manager.start()

    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


# -- admission and bounds ---------------------------------------------------------------------------------------------


def test_a_full_queue_refuses_and_the_running_task_does_not_count(make, engine):
    manager = make(max_queued=2)
    manager.start()
    _, release = run_into_pause(manager, engine, 1)
    waiting = [manager.submit(a_request(str(n))) for n in range(2)]

    with pytest.raises(QueueFull, match="2 tasks"):
        manager.submit(a_request())
    assert [task.id for task in manager.active()][1:] == waiting
    manager.cancel(waiting[0])
    manager.submit(a_request())
    release()


def test_what_is_not_admitted_is_not_queued(make):
    def refuse(request):
        raise UnknownModel("no")

    manager = make(admit=refuse)
    manager.start()
    with pytest.raises(UnknownModel):
        manager.submit(a_request())
    assert manager.active() == manager.finished() == []


def test_finished_tasks_are_remembered_up_to_a_bound(make):
    manager = make(kept_finished=3)
    manager.start()
    ids = [manager.submit(a_request(str(n))) for n in range(6)]
    wait_until(lambda: not manager.active())

    assert [task.id for task in manager.finished()] == ids[:2:-1]
    with pytest.raises(UnknownTask):
        manager.get(ids[0])


def test_the_bound_forgets_what_ended_first_not_what_came_first(make, engine):
    manager = make(kept_finished=2)
    manager.start()
    running, release = run_into_pause(manager, engine, 1)
    second, third, fourth = (manager.submit(a_request(str(n))) for n in range(3))

    for waiting in (fourth, third, second):
        assert manager.cancel(waiting).status is Status.CANCELLED
    release()

    assert end(manager, running)[0].result is not None
    assert [task.id for task in manager.finished()] == [running, second]


def test_nothing_need_be_remembered(make, engine):
    manager = make(kept_finished=0)
    manager.start()
    _, release = run_into_pause(manager, engine, 1)
    waiting = manager.submit(a_request())

    assert manager.cancel(waiting).status is Status.CANCELLED
    release()
    wait_until(lambda: not manager.active())
    assert manager.finished() == []


def test_many_threads_submit_at_once(manager, store):
    ids: list[str] = []
    threads = [threading.Thread(target=lambda: ids.append(manager.submit(a_request()))) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(ids)) == 10
    assert {task.status for task in end(manager, *ids)} == {Status.COMPLETED}


# -- the journal ------------------------------------------------------------------------------------------------------


def test_a_task_is_on_the_disk_before_its_id_is_known(make, tmp_path):
    manager = make()
    task_id = manager.submit(a_request())  # not started: nobody works on it

    assert [task.id for task in Journal(tmp_path / "tasks.json").read()] == [task_id]


def test_a_task_that_cannot_be_stored_is_refused(make, monkeypatch):
    manager = make()
    monkeypatch.setattr(Journal, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))

    with pytest.raises(DiskFull):
        manager.submit(a_request())
    assert manager.active() == []


def test_a_journal_that_fails_later_does_not_stop_the_queue(manager, engine, monkeypatch, store):
    running, release = run_into_pause(manager, engine, 1)
    write = Journal.write
    monkeypatch.setattr(Journal, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    release()
    assert end(manager, running)[0].status is Status.COMPLETED
    monkeypatch.setattr(Journal, "write", write)
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


def test_closing_interrupts_the_running_task_and_keeps_the_waiting_ones(make, engine, store):
    first = make()
    first.start()
    running, release = run_into_pause(first, engine, 2)
    waiting = [first.submit(a_request(f"waiting {n}")) for n in range(3)]
    closing = threading.Thread(target=first.close)
    closing.start()
    wait_until(lambda: is_told_to_close(first))
    release()
    closing.join(10)

    assert first.get(running).status is Status.INTERRUPTED
    assert first.get(running).error == INTERRUPTED
    assert engine.decoded == []
    second = make()
    second.start()
    assert {task.status for task in end(second, *waiting)} == {Status.COMPLETED}
    assert store.prompts == ["waiting 0", "waiting 1", "waiting 2"]
    assert second.get(running).status is Status.INTERRUPTED


def test_after_a_crash_the_running_task_is_interrupted_and_not_run_again(make, engine, store):
    crashed = make()
    crashed.start()
    running, release = run_into_pause(crashed, engine, 2)
    waiting = [crashed.submit(a_request(f"waiting {n}")) for n in range(2)]
    crashed._journal.write = lambda tasks: None  # from here on it is dead to the disk

    restarted = make()
    restarted.start()
    task = restarted.get(running)

    assert (task.status, task.error_code, task.error) == (Status.INTERRUPTED, "interrupted", INTERRUPTED)
    assert [task.id for task in restarted.active()] == waiting
    release()
    end(restarted, *waiting)
    assert restarted.get(running).status is Status.INTERRUPTED


def test_finished_tasks_and_their_results_survive_a_restart(make):
    first = make()
    first.start()
    [task] = end(first, first.submit(a_request("一只红色的狐狸")))
    first.close()

    second = make()
    second.start()

    assert second.get(task.id) == task
