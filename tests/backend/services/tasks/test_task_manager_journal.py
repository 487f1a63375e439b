from __future__ import annotations

import threading

import pytest

from backend.models.schemas import Status
from backend.services.errors import DiskFull
from backend.services.tasks.records import INTERRUPTED
from backend.services.tasks.store import Journal
from tests.backend.fakes import a_request, wait_until
from tests.backend.services.tasks.managing import end, is_told_to_close, run_into_pause


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
    crashed._table._journal.write = lambda tasks: None  # from here on it is dead to the disk

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


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_task_whose_start_cannot_be_stored_is_not_started(make, engine, monkeypatch):
    manager = make()
    task_id = manager.submit(a_request())
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        manager.start()
        [task] = end(manager, task_id)

    assert (task.status, task.error_code) == (Status.FAILED, "insufficient_storage")
    assert engine.requests == []
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


def test_what_could_not_be_saved_is_saved_at_the_end(make, engine, monkeypatch, tmp_path):
    manager = make()
    manager.start()
    running, release = run_into_pause(manager, engine, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        release()
        end(manager, running)
        wait_until(lambda: manager._table._unsaved)
    assert manager.close()
    assert Journal(tmp_path / "tasks.json").read()[0].status is Status.COMPLETED


def test_the_finished_pictures_of_a_task_that_is_killed_are_known_afterwards(manager, engine, tmp_path):
    kept: list[int] = []
    engine.watch = lambda step: kept.append(len(Journal(tmp_path / "tasks.json").read()[0].images))

    end(manager, manager.submit(a_request(num_images=3, num_inference_steps=3)))

    assert kept == [0] * 3 + [1] * 3 + [2] * 3


def test_a_counter_that_fails_does_not_end_the_worker(make):
    def fail(_task: object) -> None:
        raise RuntimeError("no such metric")

    manager = make(on_finished=fail)
    manager.start()
    for _ in range(2):
        assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED
    assert manager.alive
