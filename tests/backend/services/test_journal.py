from __future__ import annotations

import pytest

from backend.models.schemas import Status, TaskRecord
from backend.services.journal import Journal
from tests.backend.fakes import Ticking, a_request


@pytest.fixture
def tasks() -> list[TaskRecord]:
    now = Ticking()
    return [
        TaskRecord(id=f"{n:032x}", request=a_request(prompt), status=status, total_steps=9, created_at=now())
        for n, (prompt, status) in enumerate([("一只红色的狐狸", Status.FAILED), ("a\n\tb 🦊", Status.PENDING)])
    ]


def test_tasks_come_back(tmp_path, tasks):
    Journal(tmp_path / "tasks.json").write(tasks)
    assert Journal(tmp_path / "tasks.json").read() == tasks


def test_a_missing_file_is_an_empty_queue(tmp_path):
    assert Journal(tmp_path / "tasks.json").read() == []


def test_a_file_cut_anywhere_is_set_aside(tmp_path, tasks):
    file = tmp_path / "tasks.json"
    Journal(file).write(tasks)
    content = file.read_bytes()

    for length in range(0, len(content), 7):
        file.write_bytes(content[:length])
        assert Journal(file).read() == []
        assert not file.exists()
        assert (tmp_path / "tasks.json.corrupt").read_bytes() == content[:length]


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"\xff\xfe", b'{"tasks": [{"id": "../../etc"}]}', b'{"tasks": 3}', b"\0" * 100]
)
def test_other_content_is_set_aside(tmp_path, content):
    (tmp_path / "tasks.json").write_bytes(content)
    assert Journal(tmp_path / "tasks.json").read() == []
    assert (tmp_path / "tasks.json.corrupt").exists()


def test_a_failed_write_keeps_the_old_file(tmp_path, tasks, monkeypatch):
    journal = Journal(tmp_path / "tasks.json")
    journal.write(tasks[:1])
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        journal.write(tasks)
    monkeypatch.undo()
    assert journal.read() == tasks[:1]
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]
