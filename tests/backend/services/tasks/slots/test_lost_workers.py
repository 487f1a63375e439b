"""Workers that come, go, die under their jobs and are drained."""

from __future__ import annotations

import threading

import pytest

from backend.models.schemas import Status
from backend.services.errors import UnknownWorker, WorkerLost
from backend.services.generation.events import Emit, Ended, IsCancelled, Loaded
from backend.services.generation.job import Job
from backend.services.tasks.store import Journal
from tests.backend.fakes import PATIENCE_S, FakeExecutor, a_picture, a_request, wait_until
from tests.backend.services.tasks.managing import Make, end

LOST = Ended(WorkerLost.code, "The worker x is gone.")


class Mortal(FakeExecutor):
    """Draws as many images of each job as it is told before the worker dies; then other jobs are drawn whole."""

    def __init__(self, *slots: str) -> None:
        self.slots = slots
        self.runs: list[tuple[str, str]] = []
        self.deaths: list[int] = []
        self.hold = threading.Event()
        self.hold.set()

    def prepare(self) -> tuple[str, ...]:
        return self.slots

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        self.runs.append((slot, job.recipe.prompt))
        emit(Loaded("cuda"))
        assert self.hold.wait(PATIENCE_S)
        drawn = self.deaths.pop(0) if self.deaths else None
        for index in range(job.num_images if drawn is None else drawn):
            emit(a_picture(job.recipe.prompt, job.recipe_of(index).seed))
        emit(Ended() if drawn is None else LOST)


def test_a_job_without_images_runs_again_once(make: Make):
    executor = Mortal("x")
    executor.deaths = [0]
    manager = make(executor=executor)
    manager.start()
    [task] = end(manager, manager.submit(a_request("again")))

    assert (task.status, len(task.lost), task.worker) == (Status.COMPLETED, 1, "x")
    assert executor.runs == [("x", "again")] * 2


def test_a_job_that_loses_two_workers_is_not_given_a_third(make: Make):
    executor = Mortal("x")
    executor.deaths = [0, 0]
    manager = make(executor=executor)
    manager.start()
    [task] = end(manager, manager.submit(a_request()))

    assert (task.status, task.error_code, len(executor.runs)) == (Status.INTERRUPTED, "worker_lost", 2)
    assert "x is gone" in task.error


def test_a_job_with_images_keeps_them_and_is_interrupted(make: Make):
    executor = Mortal("x")
    executor.deaths = [1]
    manager = make(executor=executor)
    manager.start()
    [task] = end(manager, manager.submit(a_request(num_images=3)))

    assert (task.status, len(task.images), len(executor.runs)) == (Status.INTERRUPTED, 1, 1)


def test_a_worker_that_dies_after_the_last_image_has_done_its_job(make: Make):
    executor = Mortal("x")
    executor.deaths = [2]
    manager = make(executor=executor)
    manager.start()
    [task] = end(manager, manager.submit(a_request(num_images=2)))
    assert (task.status, len(task.images)) == (Status.COMPLETED, 2)


def test_a_cancelled_job_does_not_run_again(make: Make):
    executor = Mortal("x")
    executor.deaths = [0]
    executor.hold.clear()
    manager = make(executor=executor)
    manager.start()
    task_id = manager.submit(a_request())
    wait_until(lambda: executor.runs)
    manager.cancel(task_id)
    executor.hold.set()
    [task] = end(manager, task_id)
    assert (task.status, len(executor.runs)) == (Status.CANCELLED, 1)


def test_what_runs_again_has_its_old_place_and_is_on_the_disk(make: Make, tmp_path):
    executor = Mortal("x")
    executor.deaths = [0]
    executor.hold.clear()
    manager = make(executor=executor)
    manager.start()
    ids = [manager.submit(a_request(f"{number}")) for number in range(3)]
    wait_until(lambda: executor.runs)
    manager.drain_worker("x", is_drained=True)
    executor.hold.set()
    wait_until(lambda: len(manager.get(ids[0]).lost) == 1)

    assert list(manager.waiting_ids) == ids
    assert manager.get(ids[0]).worker is None
    [stored, *_] = Journal(tmp_path / "tasks.json").read()
    assert (stored.id, stored.status, len(stored.lost)) == (ids[0], Status.PENDING, 1)


def test_a_slot_that_comes_later_works_and_one_that_goes_ends(make: Make):
    executor = Mortal()
    manager = make(executor=executor)
    manager.start()
    task_id = manager.submit(a_request("waits"))
    wait_until(lambda: hasattr(executor, "on_slots"))
    assert manager.get(task_id).status is Status.PENDING
    assert manager.alive

    executor.on_slots(("x",))
    end(manager, task_id)
    executor.on_slots(("y",))
    end(manager, manager.submit(a_request("next")))
    executor.on_slots(("x", "y"))
    wait_until(lambda: len(manager._workers._threads) == 2)

    assert executor.runs == [("x", "waits"), ("y", "next")]
    assert manager.alive


def test_a_job_runs_to_its_end_in_a_slot_that_goes(make: Make):
    executor = Mortal("x")
    executor.hold.clear()
    manager = make(executor=executor)
    manager.start()
    task_id = manager.submit(a_request())
    wait_until(lambda: executor.runs)
    executor.on_slots(())
    executor.hold.set()
    assert end(manager, task_id)[0].status is Status.COMPLETED
    wait_until(lambda: not manager._workers._threads)


def test_a_drained_worker_takes_nothing_until_it_may(make: Make):
    executor = Mortal("x")
    manager = make(executor=executor)
    manager.start()
    wait_until(lambda: hasattr(executor, "on_slots"))
    manager.drain_worker("x", is_drained=True)
    task_id = manager.submit(a_request())
    other = Mortal("x")
    assert manager.drained_workers == {"x"}
    executor.on_slots(("x", "y"))
    end(manager, task_id)
    assert executor.runs == [("y", "a red apple")]
    manager.drain_worker("y", is_drained=True)
    second = manager.submit(a_request("second"))
    manager.drain_worker("x", is_drained=False)
    assert end(manager, second)[0].worker == "x"
    assert other.runs == []


def test_a_worker_that_nobody_knows_cannot_be_drained(make: Make):
    manager = make(executor=Mortal("x"))
    manager.start()
    with pytest.raises(UnknownWorker):
        manager.drain_worker("z", is_drained=True)


def test_the_model_in_memory_decides_which_slot_draws(make: Make):
    executor = Mortal("x", "y")
    manager = make(executor=executor)
    manager.start()
    wait_until(lambda: hasattr(executor, "on_slots"))
    manager.drain_worker("x", is_drained=True)
    end(manager, manager.submit(a_request("loads in y")))
    manager.drain_worker("x", is_drained=False)
    for number in range(4):
        wait_until(lambda: manager._workers.turns._idle.keys() == {"x", "y"})
        end(manager, manager.submit(a_request(f"{number}")))
    assert {slot for slot, _ in executor.runs} == {"y"}
