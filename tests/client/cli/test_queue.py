"""`zimage queue`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.client.test_client import SMALL


@pytest.fixture
def waiting(client, engine, on_server) -> Iterator[tuple[list[str], Callable[[], None]]]:
    """Three tasks, the first of which runs."""
    go_on = engine.pause_at(1)
    ids = [client.generate(name, **SMALL) for name in ("one", "two", "three")]
    assert engine.paused.wait(10)
    yield ids, go_on
    go_on()


def test_tasks_are_listed_in_their_order(zimage, waiting):
    ids, _ = waiting
    rows = [line.split("\t") for line in zimage("queue", "list").lines]
    assert [row[0] for row in rows] == ids
    assert [row[1] for row in rows] == ["Drawing", "Waiting", "Waiting, 1 before it"]
    assert rows[2][4] == "three"
    assert [task["task_id"] for task in json.loads(zimage("queue", "list", "--json").out)] == ids


def test_a_task_is_moved_by_the_beginning_of_its_id(zimage, client, waiting):
    ids, _ = waiting
    assert zimage("queue", "move", ids[2][:12], "0").code == 0
    assert [task.task_id for task in client.queue()] == [ids[0], ids[2], ids[1]]
    assert zimage("queue", "move", ids[2], "--by", "1").code == 0
    assert [task.task_id for task in client.queue()] == ids
    assert zimage("queue", "move", ids[2]).code == 2
    assert zimage("queue", "move", ids[2], "1", "--by", "1").code == 2


def test_tasks_are_cancelled_tried_again_and_cleared(zimage, client, waiting):
    ids, go_on = waiting
    assert zimage("queue", "cancel", ids[1]).lines == [ids[1]]
    assert [task.task_id for task in client.queue()] == [ids[0], ids[2]]
    assert zimage("queue", "cancel", "--all").lines == [ids[2], ids[0]]
    go_on()
    assert client.wait(ids[0]).status == "cancelled"
    (again,) = zimage("queue", "retry", ids[0]).lines
    assert client.wait(again).status == "completed"
    assert len(zimage("queue", "list", "--all").lines) == 4
    assert zimage("queue", "clear").code == 0
    assert zimage("queue", "list", "--all").lines == []


def test_all_that_wait_are_cancelled_and_what_runs_goes_on(zimage, client, waiting):
    ids, go_on = waiting
    assert zimage("queue", "cancel", "--waiting").lines == ids[1:]
    assert zimage("queue", "cancel", "--waiting").lines == []
    assert zimage("queue", "cancel", "--waiting", "--all").code == 2
    assert zimage("queue", "cancel", ids[0], "--waiting").code == 2
    go_on()
    assert client.wait(ids[0]).status == "completed"


def test_ids_that_fit_none_or_many(zimage, waiting):
    ids, _ = waiting
    assert "No task" in zimage("queue", "cancel", "xyz").err
    assert zimage("queue", "cancel", "xyz").code == 1
    assert zimage("queue", "cancel", "").code == 1
    assert zimage("queue", "cancel").code == 2
    assert zimage("queue", "cancel", ids[0], "--all").code == 2


def test_without_a_server_there_is_no_queue(zimage, monkeypatch):
    ended = zimage("queue", "list", "--server", "http://127.0.0.1:9")
    assert ended.code == 1
    assert "No Z-Image runs at http://127.0.0.1:9" in ended.err
