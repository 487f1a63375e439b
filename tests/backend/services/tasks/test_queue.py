from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from backend.services.errors import QueueFull
from backend.services.tasks.queue import (
    MAX_CLIENTS,
    Limits,
    move_task,
    move_task_by,
    note_turn,
    refuse_too_many,
    take_turns,
)
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import Ticking, a_request


def waiting(clients: str) -> list[TaskRecord]:
    """One task a letter; the letter is its client, `a0` the id of client a's first one."""
    seen: dict[str, int] = {}
    tasks = []
    for client in clients:
        number = seen[client] = seen.get(client, -1) + 1
        tasks.append(TaskRecord.model_construct(id=f"{client}{number}", client=client, request=a_request()))
    return tasks


def ids(tasks: list[TaskRecord]) -> str:
    return " ".join(task.id for task in tasks)


@pytest.mark.parametrize(
    ("clients", "served", "order"),
    [
        ("", {}, ""),
        ("aaa", {"a": 7}, "a0 a1 a2"),
        ("aaab", {}, "a0 b0 a1 a2"),
        ("aaabbc", {}, "a0 b0 c0 a1 b1 a2"),
        ("aab", {"a": 1}, "b0 a0 a1"),
        ("abc", {"a": 2, "b": 1}, "c0 b0 a0"),
    ],
)
def test_clients_take_turns(clients, served, order):
    assert ids(take_turns(waiting(clients), served)) == order


@pytest.mark.parametrize(
    ("clients", "task_id", "position", "order"),
    [
        ("aaa", "a2", 0, "a2 a0 a1"),
        ("aaa", "a0", 2, "a1 a2 a0"),
        ("aaa", "a0", 99, "a1 a2 a0"),
        ("aaa", "a1", 1, "a0 a1 a2"),
        ("aaab", "a2", 0, "a2 b0 a0 a1"),
        ("abab", "b1", 0, "a0 b1 a1 b0"),  # the turn of the other one stays
    ],
)
def test_a_task_moves_among_those_of_its_client(clients, task_id, position, order):
    assert ids(take_turns(move_task(waiting(clients), {}, task_id, position), {})) == order


@pytest.mark.parametrize(
    ("clients", "task_id", "places", "order"),
    [
        ("aaa", "a2", -1, "a0 a2 a1"),
        ("aaa", "a0", 1, "a1 a0 a2"),
        ("aaa", "a1", 99, "a0 a2 a1"),
        ("aaa", "a1", -99, "a1 a0 a2"),
        ("aba", "a1", -1, "a1 b0 a0"),
        ("abab", "a0", 1, "a1 b0 a0 b1"),
    ],
)
def test_a_task_moves_by_places_of_its_client(clients, task_id, places, order):
    assert ids(take_turns(move_task_by(waiting(clients), task_id, places), {})) == order


@limits(max_examples=60, deadline=None, derandomize=True)
@given(st.text("abcd", max_size=12), st.dictionaries(st.sampled_from("abcd"), st.integers(1, 9)))
def test_nobody_is_left_out_and_nobody_waits_more_than_a_round(clients, served):
    tasks = waiting(clients)
    order = take_turns(tasks, served)

    assert sorted(ids(order).split()) == sorted(ids(tasks).split())
    for client in set(clients):
        own = [index for index, task in enumerate(order) if task.client == client]
        assert [order[index].id for index in own] == [task.id for task in tasks if task.client == client]
        assert own[0] < len(set(clients))


def move_by_trying(tasks: list[TaskRecord], served: dict[str, int], task_id: str, position: int) -> list[TaskRecord]:
    """The definition: of all orders of the client's own tasks, the one that brings the task nearest."""
    [task] = [task for task in tasks if task.id == task_id]
    own = [index for index, other in enumerate(tasks) if other.client == task.client]
    others = [tasks[index] for index in own if tasks[index].id != task_id]
    orders = []
    for place in range(len(own)):
        order = list(tasks)
        for index, other in zip(own, [*others[:place], task, *others[place:]], strict=True):
            order[index] = other
        orders.append(order)
    return min(orders, key=lambda order: abs(ids(take_turns(order, served)).split().index(task_id) - position))


@limits(max_examples=60, deadline=None, derandomize=True)
@given(
    st.text("abc", min_size=1, max_size=9),
    st.dictionaries(st.sampled_from("abc"), st.integers(1, 9)),
    st.integers(0, 10),
    st.data(),
)
def test_a_move_is_the_best_of_all(clients, served, position, data):
    tasks = waiting(clients)
    task_id = data.draw(st.sampled_from([task.id for task in tasks]))
    assert ids(move_task(tasks, served, task_id, position)) == ids(move_by_trying(tasks, served, task_id, position))


def test_limits_of_all_and_of_one():
    tasks = waiting("aab")
    refuse_too_many(tasks, "b", Limits(max_queued=4, max_queued_per_client=2), lambda: None)
    with pytest.raises(QueueFull, match="3 tasks are waiting") as full:
        refuse_too_many(tasks, "b", Limits(max_queued=3, max_queued_per_client=2), lambda: 4.5)
    assert (full.value.position, full.value.retry_after_s) == (3, 4.5)
    with pytest.raises(QueueFull, match="2 tasks of yours"):
        refuse_too_many(tasks, "a", Limits(max_queued=4, max_queued_per_client=2), lambda: None)


def test_the_clients_of_tasks_are_kept(tmp_path):
    from backend.services.tasks.store import Journal

    task = TaskRecord(id="1" * 32, request=a_request(), client="10.0.0.7", idempotency_key="k", created_at=Ticking()())
    Journal(tmp_path / "tasks.json").write([task])
    assert Journal(tmp_path / "tasks.json").read() == [task]


def test_turns_of_long_ago_are_forgotten():
    served: dict[str, int] = {}
    for n in range(MAX_CLIENTS + 5):
        served = note_turn(served, str(n))
    served = note_turn(served, "7")

    assert len(served) == MAX_CLIENTS
    assert "4" not in served
    assert max(served, key=served.__getitem__) == "7"
