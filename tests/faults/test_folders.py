"""What people and systems do to folders while the service runs, and folders with names of other times."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import subprocess
import sys

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from backend.services.errors import DiskFull
from backend.utils.folder_lock import FolderLock, FolderNotLockable
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_picture

LATIN_1 = os.fsdecode(b"caf\xe9")


def every_view(client: TestClient, image: dict) -> dict[str, int]:
    """Asks for everything that reads the folders; none of it may be a fault of ours."""
    paths = ["/api/history", "/api/images/latest", "/api/system/status", "/api/models", "/api/generate?finished=true",
             "/health", "/health/ready", "/metrics", image["download_url"], image["thumbnail_url"],
             f"{image['thumbnail_url']}?w=256"]  # fmt: skip
    return {path: client.get(path).status_code for path in paths}


@pytest.mark.parametrize("gone", ["images", "thumbnails", "."])
def test_a_folder_that_is_removed_is_made_again(client, settings, post, finish, gone):
    first = finish(post("first"))["result"]
    shutil.rmtree(settings.data_dir / gone)

    assert max(every_view(client, first).values()) < 500
    assert client.patch(f"/api/history/{first['id']}", json={"favourite": True}).status_code == 200
    task = finish(post("second"))

    assert task["status"] == "completed", task
    assert client.get(task["result"]["download_url"]).status_code == 200
    kept = json.loads((settings.data_dir / "history.json").read_bytes())["images"]
    assert [image["prompt"] for image in kept] == ["first", "second"]


def test_a_folder_that_is_removed_while_a_picture_is_drawn_is_made_again(client, settings, post, finish, engine):
    let_go_on = engine.pause_at(2)
    task_id = post()
    assert engine.paused.wait(10)
    shutil.rmtree(settings.data_dir)
    let_go_on()
    task = finish(task_id)
    assert task["status"] == "completed"
    assert client.get(task["result"]["download_url"]).status_code == 200


@pytest.mark.parametrize("folder", ["images", "."])
def test_a_folder_that_cannot_be_made_again_refuses_before_anything_is_drawn(client, settings, post, finish, folder):
    first = finish(post())["result"]
    place = settings.data_dir / folder
    shutil.rmtree(place)
    place.touch()  # a file is in its way

    refused = client.post("/api/generate", json={"prompt": "x", "height": 256, "width": 256})

    assert (refused.status_code, refused.json()["error"]["code"]) == (507, "insufficient_storage")
    assert "cannot be written" in refused.json()["error"]["message"]
    assert str(settings.data_dir) not in refused.text
    answers = every_view(client, first)
    assert answers.pop("/health/ready") == 503
    assert max(answers.values()) < 500
    place.unlink()
    assert finish(post())["status"] == "completed"


def test_a_folder_that_may_not_be_written_refuses_before_anything_is_drawn(client, services, monkeypatch):
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(DiskFull, match="Permission denied"):
        services.history.prepare()
    assert client.post("/api/generate", json={"prompt": "x"}).status_code == 507


def test_a_large_history_that_is_removed_is_written_as_a_whole(settings, services, client, monkeypatch):
    """Not only as the log of its last change."""
    monkeypatch.setattr("backend.services.images.history_file.SMALL", 1)
    records = [services.history.add(a_picture(seed=seed)) for seed in range(4)]
    for name in ("history.json", "history.log"):
        (settings.data_dir / name).unlink(missing_ok=True)
    client.patch(f"/api/history/{records[0].id}", json={"favourite": True})
    kept = json.loads((settings.data_dir / "history.json").read_bytes())["images"]
    assert [image["favourite"] for image in kept] == [True, False, False, False]


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EIO])
def test_a_folder_without_locks_is_named_with_the_reason(tmp_path, monkeypatch, number):
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(FolderNotLockable) as caught, FolderLock(tmp_path):
        pass
    message = str(caught.value)
    assert str(tmp_path) in message
    assert os.strerror(number) in message
    assert "--data-dir" in message
    assert len(message.splitlines()) == 1


@pytest.mark.slow
def test_a_folder_that_cannot_be_used_is_one_sentence_at_the_start(repository_root, tmp_path):
    (tmp_path / "file").touch()
    done = subprocess.run(
        [sys.executable, "-m", "backend", "--port", "0", "--web-port", "0", "--data-dir", str(tmp_path / "file" / "x")],
        cwd=repository_root, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Z-Image cannot start: ")
    assert str(tmp_path / "file") in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
class TestNamesThatAreNotUtf8:
    def test_of_the_data_folder(self, tmp_path):
        settings = make_settings(tmp_path).model_copy(update={"data_dir": tmp_path / LATIN_1})
        with TestClient(create_app(settings, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
            status = client.get("/api/system/status")
            assert "caf\\udce9" in status.json()["disk"]["path"]
            body = {"prompt": "x", "height": 256, "width": 256}
            assert client.post("/api/generate", json=body).status_code == 202
            assert client.get("/health/ready").status_code == 200

    def test_of_a_picture(self, settings, tmp_path):
        app = create_app(settings, FakeEngine, lambda: PLAIN_CPU)
        with TestClient(app, base_url="http://localhost"):
            record = app.state.services.history.add(a_picture())
        picture = settings.images_dir / record.filename
        picture.rename(picture.with_name(f"{LATIN_1}.png"))
        app = create_app(settings, FakeEngine, lambda: PLAIN_CPU)
        with TestClient(app, base_url="http://localhost") as client:
            assert client.get("/api/history").json()["total"] == 0
            assert client.get("/api/images/latest").status_code == 404
        assert (settings.images_dir / f"{LATIN_1}.png").exists()

    def test_of_what_is_sent(self, shared):
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="caf\xe9.png"\r\n\r\nno\r\n--x--\r\n'
        headers = {"content-type": "multipart/form-data; boundary=x"}
        assert shared.post("/api/history/read", content=body, headers=headers).status_code == 422
