"""Faults 1–9: whatever happens to the disk or the process, no picture is lost and no file is torn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image
from starlette.testclient import TestClient

from backend.main import create_app
from backend.services.errors import DiskFull
from backend.services.images.store import HistoryStore
from backend.services.tasks.store import Journal
from backend.utils.folder_lock import FolderInUse
from backend.utils.record_file import NewerFormat
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_picture
from tests.backend.services.images.keeping import FailingDisk, check_invariants, open_store, records


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is of POSIX")
@pytest.mark.slow
def test_fault_01_killed_mid_write(repository_root):
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.kill_loop", "--rounds", "5"],
        cwd=repository_root, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": "Z-Image/src"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "none lost" in done.stdout


def test_fault_02_disk_full(client, services, post, finish, settings, monkeypatch):
    kept = finish(post("before"))["result"]
    with monkeypatch.context() as patch:
        patch.setattr("PIL.Image.Image.save", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "No space left")))
        failed = finish(post("no room"))
    assert (failed["status"], failed["error_code"]) == ("failed", "insufficient_storage")
    assert [image["id"] for image in client.get("/api/history").json()["images"]] == [kept["id"]]
    assert [path.name for path in settings.images_dir.iterdir()] == [kept["filename"]]
    assert finish(post("after"))["status"] == "completed"

    services.admission._min_free_disk_mb = 10**12
    refused = client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256})
    assert refused.status_code == 507


def live_a_little(store: HistoryStore, first: str) -> int:
    """Adds, trashes, restores and deletes until the disk is full; returns how many of the steps were done."""
    steps = (
        lambda: store.add(a_picture("second")),
        lambda: store.trash([first]),
        lambda: store.restore([first]),
        lambda: store.trash([first]),
        lambda: store.delete(first),
    )
    for done, step in enumerate(steps):
        try:
            step()
        except DiskFull:
            return done
    return len(steps)


def test_fault_02_disk_full_at_the_nth_call_until_none_is_left(tmp_path):
    """The anomaly loop: each call that changes the disk fails once, and every invariant holds afterwards."""
    for n in range(1, 60):
        folder = tmp_path / str(n)
        store = open_store(folder)
        first = store.add(a_picture("first")).id
        with pytest.MonkeyPatch.context() as patch:
            disk = FailingDisk(patch)
            disk.fail_at(n)
            done = live_a_little(store, first)
            reached = disk.left <= 0
        store.restore([first])  # so that every file belongs to a record outside the trash
        check_invariants(folder)
        assert records(open_store(folder)) == records(store)
        if not reached:
            assert (done, n > 15) == (5, True), "the loop has gone blind"
            return
    raise AssertionError("the calls do not end")


def test_fault_03_corrupt_history(tmp_path, caplog):
    store = open_store(tmp_path)
    record = store.add(a_picture("狐狸"))
    content = (tmp_path / "history.json").read_bytes()
    for position in range(0, len(content) - 2, 29):
        damaged = content[:position] + bytes([content[position] ^ 0x80]) + content[position + 1 :]
        for version in (content[:position], damaged):
            (tmp_path / "history.json").write_bytes(version)
            assert [found.id for found in records(open_store(tmp_path))] == [record.id]
    assert (tmp_path / "history.json.corrupt-1").exists()
    assert "rebuilding from the images" in caplog.text


def test_fault_04_one_bad_picture(client, services, settings):
    good = services.history.add(a_picture("good"))
    bad = services.history.add(a_picture("bad"))
    services.history.image_path(bad.id).write_bytes(b"")
    services.history._thumbnails.remove(bad.id)
    (settings.images_dir / "text.png").write_text("no picture")
    (settings.images_dir / "folder.png").mkdir()

    assert [image["id"] for image in client.get("/api/history").json()["images"]] == [bad.id, good.id]
    assert client.get(f"/api/images/{bad.id}/thumbnail").status_code == 404
    assert client.get(f"/api/images/{good.id}/thumbnail").status_code == 200
    services.history.open()
    assert client.get("/api/history").status_code == 200


def test_fault_05_order_of_writing(tmp_path, monkeypatch):
    """Picture, then record: cut off in between, the picture is adopted; a record without its picture goes."""
    store = open_store(tmp_path)
    lost = store.add(a_picture("file goes"))
    with monkeypatch.context() as patch:
        patch.setattr(HistoryStore, "_put", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            store.add(a_picture("cut off"))
    store.image_path(lost.id).unlink()

    assert [record.prompt for record in records(open_store(tmp_path))] == ["cut off"]


def test_fault_06_staged_delete(tmp_path, monkeypatch):
    store = open_store(tmp_path)
    record = store.add(a_picture())
    store.trash([record.id])
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", lambda *_, **__: (_ for _ in ()).throw(OSError(13, "in use")))
        store.delete(record.id)  # the record is gone; the file follows at the next start
    check_invariants(tmp_path)
    assert list((tmp_path / "images").iterdir()) == []


def test_fault_07_two_processes_on_one_folder(app, client, settings, engine):
    before = sorted(path.name for path in settings.data_dir.rglob("*"))
    second = create_app(settings, FakeEngine, lambda: PLAIN_CPU)
    with pytest.raises(FolderInUse), TestClient(second):
        pass
    assert sorted(path.name for path in settings.data_dir.rglob("*")) == before


def test_fault_08_clock_jumps(tmp_path):
    moments = [datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2030, 2001, 2026, 2026)]
    clock = iter(moments)
    store = HistoryStore(tmp_path / "images", tmp_path / "history.json", now=lambda: next(clock))
    store.open()
    added = [store.add(a_picture(str(n))) for n in range(4)]
    assert records(store) == added[::-1]
    assert len({record.filename for record in added}) == 4
    assert records(open_store(tmp_path)) == added[::-1]


def test_fault_09_newer_format(tmp_path):
    for name, read in (
        ("history.json", lambda: open_store(tmp_path)),
        ("tasks.json", lambda: Journal(tmp_path / "tasks.json").read()),
    ):
        content = json.dumps({"version": 99, "whatever": []}).encode()
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NewerFormat):
            read()
        assert (tmp_path / name).read_bytes() == content
        (tmp_path / name).unlink()


def test_fault_09_older_format_is_migrated_with_a_backup(tmp_path):
    record = open_store(tmp_path).add(a_picture())
    content = (tmp_path / "history.json").read_text().replace('"version": 2', '"version": 1')
    (tmp_path / "history.json").write_text(content)
    assert records(open_store(tmp_path)) == [record]
    assert (tmp_path / "history.json.v1").read_text() == content
    with Image.open(tmp_path / "images" / record.filename) as picture:
        picture.load()
