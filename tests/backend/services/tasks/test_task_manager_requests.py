"""The same request twice, again, elsewhere in the queue; and several clients."""

from __future__ import annotations

import threading

import pytest

from backend.models.schemas import Status
from backend.services.errors import IdempotencyMismatch, QueueFull, TaskNotRetryable, TaskNotWaiting, UnknownTask
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import FakeEngine, a_request, wait_until
from tests.backend.services.tasks.managing import end, positions, run_into_pause


def test_a_key_is_one_task_while_it_waits_runs_and_is_remembered(manager, engine, store):
    running, release = run_into_pause(manager, engine, 1)
    first = manager.submit(a_request("once"), "me", "key")

    assert manager.submit(a_request("once"), "me", "key") == first
    release()
    end(manager, running, first)
    assert manager.submit(a_request("once"), "me", "key") == first
    assert store.prompts == ["running", "once"]


def test_keys_of_others_and_other_keys_are_other_tasks(manager):
    ids = {manager.submit(a_request(), client, key) for client in ("a", "b") for key in ("1", "2", None)}
    assert len(ids) == 6
    assert manager.submit(a_request(), "a", None) not in ids


def test_a_key_with_another_request_is_refused(manager):
    manager.submit(a_request("one"), "me", "key")
    with pytest.raises(IdempotencyMismatch):
        manager.submit(a_request("two"), "me", "key")


def test_a_key_holds_over_a_restart(make, store):
    first = make()
    task_id = first.submit(a_request("once"), "me", "key")  # not started
    second = make()
    second.start()

    assert second.submit(a_request("once"), "me", "key") == task_id
    end(second, task_id)
    assert store.prompts == ["once"]


def test_a_key_in_many_threads_is_one_task(manager, store):
    ids: list[str] = []
    threads = [
        threading.Thread(target=lambda: ids.append(manager.submit(a_request("once"), "me", "key"))) for _ in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    end(manager, *ids)
    assert (len(ids), len(set(ids)), store.prompts) == (10, 1, ["once"])


def test_a_known_key_is_let_in_when_the_queue_is_full(make, engine):
    manager = make(max_queued=1)
    manager.start()
    _, release = run_into_pause(manager, engine, 1)
    first = manager.submit(a_request("once"), "me", "key")

    assert manager.submit(a_request("once"), "me", "key") == first
    with pytest.raises(QueueFull):
        manager.submit(a_request("once"), "me", "another")
    release()


def test_a_failed_task_is_retried_as_a_new_one(manager, engine, store):
    engine.errors[1] = RuntimeError("boom")
    [failed] = end(manager, manager.submit(a_request("again", num_images=2)))

    [retried] = end(manager, manager.retry(failed.id))

    assert (failed.status, retried.status) == (Status.FAILED, Status.COMPLETED)
    assert retried.id != failed.id
    assert retried.request == failed.request
    assert manager.get(failed.id).status is Status.FAILED
    assert store.prompts == ["again", "again"]


def cancel_at_the_third(manager: TaskManager, engine: FakeEngine) -> TaskRecord:
    """Returns a task of four images of which two are there."""

    def watch(step: int) -> None:
        if step == 2 and len(engine.requests) == 3:
            manager.cancel(manager.active()[0].id)

    engine.watch = watch
    [task] = end(manager, manager.submit(a_request("many", seed=5, num_images=4)))
    assert (task.status, [image.seed for image in task.images]) == (Status.CANCELLED, [5, 6])
    return task


def test_a_retry_draws_only_what_is_missing(manager, engine, store):
    cancelled = cancel_at_the_third(manager, engine)
    [retried] = end(manager, manager.retry(cancelled.id))
    assert (retried.status, [image.seed for image in retried.images]) == (Status.COMPLETED, [5, 6, 7, 8])
    assert retried.images[:2] == cancelled.images
    assert [picture.recipe.seed for picture in store.pictures] == [5, 6, 7, 8]


def test_a_retry_draws_what_was_deleted_meanwhile(manager, engine, store):
    cancelled = cancel_at_the_third(manager, engine)
    store.deleted = {cancelled.images[0].id}
    [retried] = end(manager, manager.retry(cancelled.id))
    assert retried.images[1] == cancelled.images[1]
    assert [picture.recipe.seed for picture in store.pictures] == [5, 6, 5, 7, 8]
    store.deleted = {image.id for image in cancelled.images}
    end(manager, manager.retry(cancelled.id))
    assert len(store.pictures) == 5 + 4


def test_a_retry_of_another_client_draws_all(manager, engine, store):
    cancelled = cancel_at_the_third(manager, engine)
    [retried] = end(manager, manager.retry(cancelled.id, "somebody else"))
    assert not {image.id for image in retried.images} & {image.id for image in cancelled.images}
    assert len(retried.images) == 4


def test_a_cancelled_task_is_retried(manager, engine):
    running, release = run_into_pause(manager, engine, 1)
    waiting = manager.submit(a_request("waiting"))
    manager.cancel(waiting)
    again = manager.retry(waiting)
    release()
    assert end(manager, running, again)[1].status is Status.COMPLETED


def test_what_runs_waits_or_is_done_is_not_retried(manager, engine):
    running, release = run_into_pause(manager, engine, 1)
    waiting = manager.submit(a_request("waiting"))
    for task_id in (running, waiting):
        with pytest.raises(TaskNotRetryable):
            manager.retry(task_id)
    release()
    end(manager, running, waiting)
    with pytest.raises(TaskNotRetryable, match="completed"):
        manager.retry(running)
    with pytest.raises(UnknownTask):
        manager.retry("0" * 32)


def test_a_waiting_task_is_moved_and_stays_there_over_a_restart(make, engine, store):
    manager = make()
    one, two, three = (manager.submit(a_request(name)) for name in ("one", "two", "three"))

    assert manager.move(three, 0).id == three
    assert positions(manager, one, two, three) == [1, 2, 0]

    second = make()
    second.start()
    end(second, one, two, three)
    assert store.prompts == ["three", "one", "two"]


def test_only_a_waiting_task_is_moved(manager, engine):
    running, release = run_into_pause(manager, engine, 1)
    with pytest.raises(TaskNotWaiting):
        manager.move(running, 0)
    with pytest.raises(UnknownTask):
        manager.move("0" * 32, 0)
    release()


def test_the_finished_ones_are_cleared_and_nothing_else(manager, engine):
    [done] = end(manager, manager.submit(a_request()))
    running, release = run_into_pause(manager, engine, 1)
    waiting = manager.submit(a_request())

    manager.forget_finished("somebody else")
    assert manager.finished() == [done]
    manager.forget_finished()

    assert manager.finished() == []
    assert [task.id for task in manager.active()] == [running, waiting]
    with pytest.raises(UnknownTask):
        manager.get(done.id)
    release()


def test_the_waiting_ones_are_cancelled_together_with_one_write(manager, engine, store, monkeypatch):
    running, release = run_into_pause(manager, engine, 1)
    own = [manager.submit(a_request(name)) for name in ("one", "two", "three")]
    other = manager.submit(a_request("somebody else's"), "somebody else")
    manager.move(own[2], 0)
    writes: list[object] = []
    write = manager._table._journal.write
    monkeypatch.setattr(manager._table._journal, "write", lambda tasks: (writes.append(1), write(tasks)))

    cancelled = manager.cancel_waiting()

    assert len(writes) == 1
    assert [(task.id, task.status) for task in cancelled] == [(own[n], Status.CANCELLED) for n in (2, 0, 1)]
    assert manager.cancel_waiting() == []
    assert len(writes) == 1
    assert [task.id for task in manager.active()] == [running, other]
    assert [task.id for task in manager.finished()] == [own[n] for n in (2, 0, 1)]
    release()
    end(manager, running, other)
    assert store.prompts == ["running", "somebody else's"]


def test_clients_take_turns(manager, engine, store):
    running, release = run_into_pause(manager, engine, 1)
    ids = [manager.submit(a_request(f"a{n}"), "a") for n in range(3)]
    ids += [manager.submit(a_request(f"b{n}"), "b") for n in range(2)]
    release()

    end(manager, running, *ids)

    assert store.prompts == ["running", "a0", "b0", "a1", "b1", "a2"]


def test_one_client_cannot_fill_the_queue(make, engine):
    manager = make(max_queued=10, max_queued_per_client=2)
    manager.start()
    _, release = run_into_pause(manager, engine, 1)
    for _ in range(2):
        manager.submit(a_request(), "greedy")

    with pytest.raises(QueueFull, match="of yours") as full:
        manager.submit(a_request(), "greedy")
    assert full.value.position == 2
    manager.submit(a_request(), "modest")
    release()


def test_whoever_watches_is_told_of_every_change(manager, engine):
    seen: list[str] = []
    leave = manager.watch(lambda: seen.append("change"))
    [_] = end(manager, manager.submit(a_request(num_inference_steps=3)))
    wait_until(lambda: len(seen) >= 5, "submit, start, two steps, end")

    leave()
    before = len(seen)
    end(manager, manager.submit(a_request()))
    assert len(seen) == before


def test_of_two_posts_with_a_key_at_once_the_first_counts(make):
    """The second one comes in while the first is being looked at, before either has the lock."""
    inner: list[str] = []

    def admit(request, job):
        if not inner:
            inner.append("comes in")
            inner.append(manager.submit(a_request("once"), "me", "key"))

    manager = make(admit=admit)
    assert manager.submit(a_request("once"), "me", "key") == inner[1]
    assert len(manager.active()) == 1


def test_a_move_counts_with_the_turns_of_others(manager, engine):
    _, release = run_into_pause(manager, engine, 1)  # of the local client
    local = [manager.submit(a_request(f"a{n}")) for n in range(2)]
    others = [manager.submit(a_request(f"b{n}"), "b") for n in range(2)]
    assert positions(manager, *local, *others) == [1, 3, 0, 2]

    manager.move(local[1], 2)  # its turns are at 1 and 3
    assert positions(manager, *local, *others) == [3, 1, 0, 2]
    release()


def test_a_task_that_starts_while_the_list_is_read_is_not_missed(make):
    manager = make()
    task_id = manager.submit(a_request())  # not started

    class Tasks(dict):
        """Starts the task as soon as somebody has read all tasks."""

        def values(self):
            found = list(super().values())
            manager._table.tasks = dict(self)
            manager._table.start(task_id)
            return found

    manager._table.tasks = Tasks(manager._table.tasks)
    assert [task.id for task in manager.active()] == [task_id]


def test_who_watches_is_told_that_the_process_ends(manager):
    wait_until(lambda: manager._workers.slots == ("cpu",))
    told: list[bool] = []
    manager.watch(lambda: told.append(manager.closing))
    manager.close()
    assert told == [True]


def test_nothing_starts_while_the_process_ends(make):
    manager = make()
    task_id = manager.submit(a_request())
    manager._workers.closing = True
    assert manager._workers._take_next("cpu") is None
    assert manager.get(task_id).status is Status.PENDING
