from __future__ import annotations

import threading
from collections.abc import Iterable

import pytest

from backend.models.schemas import Status
from backend.services.errors import DiskFull, UnknownModel
from backend.services.generation.events import Emit, IsCancelled, Loading
from backend.services.generation.job import Job
from backend.services.tasks.records import INTERRUPTED, TaskRecord
from backend.services.tasks.slots import workers
from backend.services.tasks.store import Journal
from tests.backend.fakes import PATIENCE_S, a_request, wait_until
from tests.backend.services.tasks.managing import end, is_told_to_close, run_into_pause
from tests.backend.services.tasks.slots.test_slots import Slots


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


class Disk:
    """Refuses the queue while it is full."""

    def __init__(self) -> None:
        self.is_full = False
        self.refused = 0


@pytest.fixture
def disk(monkeypatch) -> Disk:
    disk, write = Disk(), Journal.write

    def write_unless_full(journal: Journal, tasks: Iterable[TaskRecord]) -> None:
        if disk.is_full:
            disk.refused += 1
            full()
        write(journal, tasks)

    monkeypatch.setattr(Journal, "write", write_unless_full)
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S"):
        monkeypatch.setattr(workers, name, 10 * PATIENCE_S)  # nobody goes on who is not woken
    return disk


def test_tasks_wait_while_their_start_cannot_be_stored(make, engine, disk, caplog):
    manager = make()
    ids = [manager.submit(a_request(f"{n}")) for n in range(5)]
    disk.is_full = True
    manager.start()
    wait_until(lambda: disk.refused >= 2, "the start and the worker's first try")
    wait_until(lambda: manager._workers._pauses_s)

    assert {manager.get(task).status for task in ids} == {Status.PENDING}
    assert not manager.can_store()
    with pytest.raises(DiskFull):
        manager.submit(a_request())
    assert engine.requests == []
    assert sum("no task is started" in message for message in caplog.messages) == 1

    disk.is_full = False
    later = manager.submit(a_request("later"))  # what can be stored wakes those who wait for the disk
    assert {task.status for task in end(manager, *ids, later)} == {Status.COMPLETED}
    assert manager.can_store()
    wait_until(lambda: manager._workers._pauses_s == {})


def test_a_worker_tries_again_by_itself_ever_more_seldom(make, disk, monkeypatch):
    monkeypatch.setattr(workers, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(workers, "LONGEST_PAUSE_S", 0.004)
    manager = make()
    task = manager.submit(a_request())
    disk.is_full = True
    manager.start()
    wait_until(lambda: disk.refused >= 5)
    wait_until(lambda: manager._workers._pauses_s == {"cpu": 0.004})
    disk.is_full = False
    assert end(manager, task)[0].status is Status.COMPLETED


def test_tasks_wait_while_what_they_draw_could_not_be_kept(make, engine, store, monkeypatch, caplog):
    monkeypatch.setattr(workers, "FIRST_PAUSE_S", 0.001)
    manager = make()
    task = manager.submit(a_request())
    store.refusal = DiskFull("The folder cannot be written.")
    manager.start()
    wait_until(lambda: manager._workers._pauses_s.get("cpu", 0) > 0.004, "the fourth try")

    assert (manager.get(task).status, engine.requests) == (Status.PENDING, [])
    assert sum("The folder cannot be written" in message for message in caplog.messages) == 1

    store.refusal = None
    assert end(manager, task)[0].status is Status.COMPLETED


def test_closing_does_not_wait_for_the_disk(make, disk):
    manager = make()
    manager.submit(a_request())
    disk.is_full = True
    manager.start()
    wait_until(lambda: manager._workers._pauses_s)
    assert manager.close(PATIENCE_S / 2)


def test_readiness_tries_the_disk_again_and_wakes_who_waits_for_it(make, disk):
    manager = make()
    task = manager.submit(a_request())
    disk.is_full = True
    manager.start()
    wait_until(lambda: manager._workers._pauses_s)
    assert not manager.can_store()
    disk.is_full = False
    assert manager.can_store()
    assert end(manager, task)[0].status is Status.COMPLETED


def test_a_repeated_key_is_not_acknowledged_before_the_task_is_on_the_disk(make, monkeypatch):
    manager, writing, go = make(), threading.Event(), threading.Event()
    answers: dict[str, object] = {}

    def refuse_slowly(journal: Journal, tasks: object) -> None:
        writing.set()
        assert go.wait(PATIENCE_S)
        full()

    def submit(name: str) -> None:
        try:
            answers[name] = manager.submit(a_request(), "me", "key")
        except DiskFull as error:
            answers[name] = error

    monkeypatch.setattr(Journal, "write", refuse_slowly)
    threads = [threading.Thread(target=submit, args=(name,)) for name in ("first", "repeat")]
    threads[0].start()
    assert writing.wait(PATIENCE_S)
    threads[1].start()
    threads[1].join(0.05)
    assert answers == {}
    go.set()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [type(answer) for answer in answers.values()] == [DiskFull, DiskFull]
    assert manager.active() == []


def test_a_text_that_is_not_utf_8_is_spelled_out_and_stored(make, engine, tmp_path):
    """The names of folders, of which errors tell, may be any bytes."""
    manager = make()
    manager.start()
    engine.errors[1] = UnknownModel("There is no model 'x'; installed: caf\udce9.")
    [task] = end(manager, manager.submit(a_request()))

    assert (task.status, task.error) == (Status.FAILED, "There is no model 'x'; installed: caf\\udce9.")
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED
    assert manager.close()
    assert Journal(tmp_path / "tasks.json").read()[0] == task


def test_the_name_of_a_model_that_is_not_utf_8_is_spelled_out(make, engine):
    """It stands in the message of a task whose model is loaded."""
    executor = Slots("cpu")
    manager, run = make(executor=executor), executor.run

    def load_and_run(slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        emit(Loading("caf\udce9"))
        messages.append(manager.get(task).message)
        run(slot, job, emit, cancelled)

    messages: list[str] = []
    executor.run = load_and_run
    executor.let_go("a")
    task = manager.submit(a_request("a"))
    manager.start()
    assert end(manager, task)[0].status is Status.COMPLETED
    assert messages == ["Loading caf\\udce9"]


def test_an_interrupted_task_is_the_newest_of_those_that_have_ended(make, engine):
    crashed = make()
    crashed.start()
    running, release = run_into_pause(crashed, engine, 1)
    for _ in range(3):
        crashed.cancel(crashed.submit(a_request()))
    crashed._table._journal.write = lambda tasks: None  # killed
    restarted = make(kept_finished=3)
    restarted.start()
    release()

    assert restarted.finished()[0].id == running
    assert len(restarted.finished()) == 3


def test_what_could_not_be_saved_is_saved_at_the_end(make, engine, monkeypatch, tmp_path):
    manager = make()
    manager.start()
    running, release = run_into_pause(manager, engine, 1)
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "write", full)
        release()
        end(manager, running)
        wait_until(lambda: not manager._table.is_stored)
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
