from __future__ import annotations

import pytest

from backend.services.webhooks import outbox as module
from backend.services.webhooks.outbox import Delivery, Outbox
from backend.utils.record_file import NewerFormat


def a_delivery(number: int, client: str = "alice", due_at: float = 0.0) -> Delivery:
    return Delivery(
        id=f"task-{number}", client=client, url="https://hooks.example/", event="task.completed", body='{"狐": 1}\n',
        created_at=1.0, due_at=due_at,
    )  # fmt: skip


@pytest.fixture
def file(tmp_path):
    return tmp_path / "webhooks.json"


def opened(file, **options) -> Outbox:
    outbox = Outbox(file, **options)
    outbox.open()
    return outbox


def test_what_is_not_delivered_is_there_after_a_restart(file):
    outbox = opened(file)
    for number in range(4):
        outbox.put(a_delivery(number, due_at=10.0 - number))
    outbox.remove("task-1")
    outbox.put(a_delivery(2, due_at=99.0).model_copy(update={"attempts": 3}))

    again = opened(file)
    assert [(one.id, one.due_at, one.attempts) for one in again.waiting()] == [
        ("task-3", 7.0, 0), ("task-0", 10.0, 0), ("task-2", 99.0, 3),
    ]  # fmt: skip
    assert again.waiting()[0].body == '{"狐": 1}\n'
    assert [one.id for one in again.waiting(without={"task-0"})] == ["task-3", "task-2"]
    assert len(again) == 3


def test_most_changes_are_a_line_of_the_log(file, monkeypatch):
    outbox, writes = opened(file), []
    write = module.RecordFile.write
    monkeypatch.setattr(module.RecordFile, "write", lambda self, lines: writes.append(1) or write(self, lines))
    for number in range(100):
        outbox.put(a_delivery(number))
    outbox.remove("task-99")
    assert len(writes) <= 4
    assert len(opened(file)) == 99


def test_a_full_outbox_gives_up_the_oldest_of_whoever_has_most(file):
    outbox = opened(file, max_waiting=3)
    for number, client in enumerate(["bobby", "alice", "alice", "alice"]):
        outbox.put(a_delivery(number, client))
    assert {one.id for one in outbox.waiting()} == {"task-0", "task-2", "task-3"}
    outbox.put(a_delivery(3))  # not a new one
    assert len(outbox) == len(opened(file)) == 3


def test_a_disk_that_refuses_costs_nothing_until_a_crash(file, monkeypatch):
    outbox = opened(file)
    outbox.put(a_delivery(1))

    def refuse(*_: object) -> None:
        raise OSError(28, "full")

    with monkeypatch.context() as patch:
        patch.setattr(module.RecordFile, "write", refuse)
        patch.setattr(module.RecordFile, "append", refuse)
        outbox.put(a_delivery(2))
        outbox.remove("task-1")
    assert [one.id for one in outbox.waiting()] == ["task-2"]
    outbox.put(a_delivery(3))
    assert {one.id for one in opened(file).waiting()} == {"task-2", "task-3"}


def test_a_damaged_file_is_kept_aside(file):
    file.write_text("{no json")
    assert len(opened(file)) == 0
    assert file.with_name("webhooks.json.corrupt-1").read_text() == "{no json"


def test_a_newer_file_is_not_touched(file):
    file.write_text('{"version": 2, "deliveries": []}')
    with pytest.raises(NewerFormat):
        opened(file)
    assert file.read_text() == '{"version": 2, "deliveries": []}'
