from __future__ import annotations

import threading

import pytest

from backend.models.schemas import Status
from backend.services.errors import QueueFull, TaskAlreadyFinished, UnknownModel, UnknownTask
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import a_request, wait_until
from tests.backend.services.tasks.managing import end, positions, run_into_pause

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
    monkeypatch.setattr(store, "add", lambda *picture: (seen.append(manager.active()[0].progress), add(*picture))[1])

    end(manager, manager.submit(a_request()))

    assert seen == [88.9]


def test_positions_in_the_queue(manager, engine):
    running, release = run_into_pause(manager, engine, 1)
    first, second = manager.submit(a_request("1")), manager.submit(a_request("2"))

    assert positions(manager, running, first, second) == [None, 0, 1]
    manager.cancel(first)
    assert positions(manager, first, second) == [None, 0]
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

    def cancel_then_add(generated, client, door):
        [task] = manager.active()
        with pytest.raises(TaskAlreadyFinished) as refusal:
            manager.cancel(task.id)
        refusals.append(str(refusal.value))
        return add(generated, client, door)

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
    def refuse(request, job):
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
