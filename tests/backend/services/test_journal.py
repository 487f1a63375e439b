from __future__ import annotations

import json

import pytest

from backend.models.schemas import Status, TaskRecord
from backend.services.errors import NewerFormat
from backend.services.journal import Journal
from tests.backend.fakes import Ticking, a_request


@pytest.fixture
def tasks() -> list[TaskRecord]:
    now = Ticking()
    return [
        TaskRecord(id=f"{n:032x}", request=a_request(prompt), status=status, created_at=now())
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

    for length in range(0, len(content) - 2, 7):
        file.write_bytes(content[:length])
        assert Journal(file).read() == []
        assert not file.exists()
        assert (tmp_path / "tasks.json.corrupt-1").read_bytes() == content[:length]
        (tmp_path / "tasks.json.corrupt-1").unlink()


@pytest.mark.parametrize(
    "content", [b"[]", b"null", b"\xff\xfe", b'{"tasks": [{"id": "../../etc"}]}', b'{"tasks": 3}', b"\0" * 100]
)
def test_other_content_is_set_aside(tmp_path, content):
    (tmp_path / "tasks.json").write_bytes(content)
    assert Journal(tmp_path / "tasks.json").read() == []
    assert (tmp_path / "tasks.json.corrupt-1").exists()


def test_a_failed_write_keeps_the_old_file(tmp_path, tasks, monkeypatch):
    journal = Journal(tmp_path / "tasks.json")
    journal.write(tasks[:1])
    monkeypatch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        journal.write(tasks)
    monkeypatch.undo()
    assert journal.read() == tasks[:1]
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]


def test_several_damaged_files_are_all_kept(tmp_path):
    for text in ("one", "two"):
        (tmp_path / "tasks.json").write_text(text)
        Journal(tmp_path / "tasks.json").read()
    assert [(tmp_path / f"tasks.json.corrupt-{n}").read_text() for n in (1, 2)] == ["one", "two"]


def test_a_newer_format_is_refused_and_not_touched(tmp_path):
    content = b'{"version": 3, "jobs": {}}'
    (tmp_path / "tasks.json").write_bytes(content)
    with pytest.raises(NewerFormat, match="newer version"):
        Journal(tmp_path / "tasks.json").read()
    assert [path.name for path in tmp_path.iterdir()] == ["tasks.json"]
    assert (tmp_path / "tasks.json").read_bytes() == content


def test_the_first_format_is_read(tmp_path):
    """Format 1 had one `result` a task, and its steps in `current_step`."""
    request = {"prompt": "a", "height": 256, "width": 256}
    image = {
        "id": "a" * 32, "filename": "a.png", "prompt": "a", "width": 256, "height": 256, "num_inference_steps": 9,
        "use_gpu": False, "size_bytes": 1, "created_at": "2026-01-02T03:04:05Z", "generation_time_ms": 1.0,
        "model": "zimage-nano", "seed": 1, "device": "cpu", "guidance_scale": 0.0,
    }  # fmt: skip
    common = {"request": request, "total_steps": 9, "created_at": "2026-01-02T03:04:05Z"}
    done = {"id": "1" * 32, "status": "completed", "current_step": 9, "result": image, **common}
    cut = {"id": "2" * 32, "status": "failed", "current_step": 4, "result": None, **common}
    (tmp_path / "tasks.json").write_text(json.dumps({"version": 1, "tasks": [done, cut]}))

    first, second = Journal(tmp_path / "tasks.json").read()

    assert (first.result.id, first.current_step, first.progress) == ("a" * 32, 9, 100)
    assert (second.result, second.current_step) == (None, 4)


def test_one_damaged_task_does_not_take_the_others_with_it(tmp_path, tasks):
    file = tmp_path / "tasks.json"
    Journal(file).write(tasks)
    content = json.loads(file.read_bytes())
    content["tasks"].insert(1, {**content["tasks"][0], "status": "dancing"})
    content["tasks"].append(None)
    file.write_text(json.dumps(content))

    assert Journal(file).read() == tasks
    assert json.loads((tmp_path / "tasks.json.corrupt-1").read_bytes()) == content
