from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from backend.models.schemas import Status
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.store import SHORT, Journal
from backend.utils.record_file import NewerFormat
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


def test_one_task_that_is_not_utf_8_does_not_keep_the_others_off_the_disk(tmp_path, tasks, caplog):
    poisoned = tasks[0].model_copy(update={"message": "caf\udce9", "idempotency_key": "狐"})
    Journal(tmp_path / "tasks.json").write([poisoned, tasks[1]])
    [first, second] = Journal(tmp_path / "tasks.json").read()
    assert (first.message, first.idempotency_key, second) == ("caf?", "狐", tasks[1])
    assert "not UTF-8" in caplog.text


# -- a long queue -----------------------------------------------------------------------------------------------------


def many(count: int = SHORT + 10) -> list[TaskRecord]:
    now = Ticking()
    return [TaskRecord(id=f"{n:032x}", request=a_request(f"task {n}"), created_at=now()) for n in range(count)]


def ended(task: TaskRecord) -> TaskRecord:
    return task.model_copy(update={"status": Status.COMPLETED})


def live(tasks: list[TaskRecord]) -> Iterator[list[TaskRecord]]:
    """What a queue is after each change: one more, one that runs, one that ends, one that is forgotten, one moved."""
    yield tasks
    newest = tasks[0].model_copy(update={"id": "f" * 32})
    yield (tasks := [*tasks, newest])
    yield (tasks := [tasks[0].model_copy(update={"status": Status.PROCESSING}), *tasks[1:]])
    yield (tasks := [*tasks[1:], ended(tasks[0])])
    yield (tasks := [*tasks[1:], ended(tasks[0])])
    yield (tasks := [task for task in tasks if task.id != f"{0:032x}"])
    yield (tasks := [tasks[1], tasks[0], *tasks[2:]])
    yield tasks[: SHORT // 2]


def test_every_state_of_a_long_queue_comes_back(tmp_path):
    journal = Journal(tmp_path / "tasks.json")
    for state in live(many()):
        journal.write(state)
        assert Journal(tmp_path / "tasks.json").read() == state


def test_a_change_of_a_long_queue_writes_only_what_has_changed(tmp_path):
    journal, tasks = Journal(tmp_path / "tasks.json"), many()
    journal.write(tasks)
    file = (tmp_path / "tasks.json").read_bytes()
    for number in range(5):
        tasks = [*tasks[1:], ended(tasks[0])]
        journal.write(tasks)
        assert (tmp_path / "tasks.log").read_bytes().count(b"\n") == number + 1
    journal.write(tasks)
    assert (tmp_path / "tasks.log").read_bytes().count(b"\n") == 5
    assert (tmp_path / "tasks.json").read_bytes() == file


def test_a_log_that_has_grown_goes_into_the_file(tmp_path):
    journal, tasks, sizes = Journal(tmp_path / "tasks.json"), many(), []
    journal.write(tasks)
    for _ in range(len(tasks) + 2):
        tasks = [*tasks[1:], ended(tasks[0]).model_copy()]
        journal.write(tasks)
        sizes.append((tmp_path / "tasks.log").exists())
    assert sizes == [True] * len(many()) + [False, True]
    assert Journal(tmp_path / "tasks.json").read() == tasks


def test_a_log_that_outlived_its_file_undoes_nothing(tmp_path):
    """The process was killed after the file was written, before the log was removed."""
    journal, states = Journal(tmp_path / "tasks.json"), list(live(many()))[:5]
    for state in states:
        journal.write(state)
    log = (tmp_path / "tasks.log").read_bytes()
    cancelled = states[-1][-3].model_copy(update={"status": Status.CANCELLED})
    later = [task for task in states[-1] if task.id not in (cancelled.id, states[1][-1].id)][::-1]
    journal.write([*later, cancelled])
    assert not (tmp_path / "tasks.log").exists()
    (tmp_path / "tasks.log").write_bytes(log)
    assert Journal(tmp_path / "tasks.json").read() == [*later, cancelled]


def test_a_log_that_is_cut_is_no_harm(tmp_path):
    journal, states = Journal(tmp_path / "tasks.json"), list(live(many()))[:5]
    for state in states:
        journal.write(state)
    log, file = ((tmp_path / f"tasks.{suffix}").read_bytes() for suffix in ("log", "json"))
    for length in range(0, len(log), 97):
        (tmp_path / "tasks.json").write_bytes(file)
        (tmp_path / "tasks.log").write_bytes(log[:length])
        journal = Journal(tmp_path / "tasks.json")
        found = journal.read()
        assert found == states[log[: length + 1].count(b"\n")]  # a whole line counts without its end, too
        journal.write([*found, found[0].model_copy(update={"id": "e" * 32})])
        assert len(Journal(tmp_path / "tasks.json").read()) == len(found) + 1


def test_a_log_that_cannot_be_written_is_replaced_by_the_file(tmp_path, monkeypatch):
    journal, tasks = Journal(tmp_path / "tasks.json"), many()
    journal.write(tasks)
    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space"):
            journal.write([*tasks[1:], ended(tasks[0])])
    assert Journal(tmp_path / "tasks.json").read() == tasks
    journal.write([*tasks[1:], ended(tasks[0])])
    assert not (tmp_path / "tasks.log").exists()
    assert Journal(tmp_path / "tasks.json").read() == [*tasks[1:], ended(tasks[0])]
