from __future__ import annotations

import asyncio
import logging
import socket
import threading
from types import SimpleNamespace

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import backend.main
from backend.__main__ import main
from backend.main import END_S, TASK_END_S, build_engine, close_services, create_app
from backend.server import GRACEFUL_SHUTDOWN_S
from backend.services.generation.engines.auto import AutoEngine
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.utils.folder_lock import FolderInUse, FolderLock
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until
from tests.backend.services.tasks.managing import is_told_to_close


@pytest.fixture(autouse=True)
def root_logger_as_before():
    """`main` sends the log to the standard error of its moment, which a later test does not have."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_building_an_application_touches_nothing(settings, engine):
    create_app(settings, lambda: engine, lambda: PLAIN_CPU)

    assert not settings.data_dir.exists()


def test_its_life_makes_the_folders_and_frees_the_lock(settings, engine):
    for _ in range(2):
        with TestClient(create_app(settings, lambda: engine, lambda: PLAIN_CPU), base_url="http://localhost"):
            assert settings.images_dir.is_dir()
            with pytest.raises(FolderInUse), FolderLock(settings.data_dir):
                pass
    with FolderLock(settings.data_dir):
        pass


def test_a_second_application_on_the_folder_writes_nothing(settings, engine, client):
    (settings.data_dir / "history.json").unlink()
    second = TestClient(create_app(settings, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost")

    with pytest.raises(FolderInUse), second:
        pass

    assert not (settings.data_dir / "history.json").exists()


def test_the_end_interrupts_what_runs_and_the_next_life_reports_it(settings, engine):
    release = engine.pause_at(2)
    with TestClient(create_app(settings, lambda: engine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        ids = [
            client.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}).json()["task_id"]
            for _ in range(2)
        ]
        wait_until(engine.paused.is_set)
        tasks = client.app.state.services.tasks
        threading.Thread(target=lambda: (wait_until(lambda: is_told_to_close(tasks)), release())).start()
    assert engine.decoded == []
    with TestClient(create_app(settings, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        wait_until(lambda: client.get(f"/api/generate/{ids[1]}").json()["status"] == "completed")
        first = client.get(f"/api/generate/{ids[0]}").json()
        assert (first["status"], first["result"]) == ("interrupted", None)
        assert first["error"]


def test_what_is_stuck_does_not_hold_the_end_up(caplog):
    release = threading.Event()
    stuck = SimpleNamespace(close=lambda *_: release.wait(), save=release.wait)
    names = ("tasks", "webhooks", "downloads", "executor", "planner", "loras", "monitor", "history")
    services = SimpleNamespace(**dict.fromkeys(names, stuck))
    try:
        asyncio.run(close_services(services, end_s=0.01))
    finally:
        release.set()
    assert [record.message.split(" did")[0] for record in caplog.records] == [
        "the running task", "the webhooks", "the download", "the workers", "what images took", "the LoRAs",
        "the monitor", "the history",
    ]  # fmt: skip


def test_the_end_goes_on_after_a_task_that_does_not(caplog):
    closed: list[object] = []
    tasks = SimpleNamespace(close=lambda timeout_s: closed.append(timeout_s) is not None)
    other = SimpleNamespace(close=lambda: closed.append("closed"))
    planner = SimpleNamespace(save=lambda: closed.append("saved") or True)
    names = ("webhooks", "downloads", "executor", "loras", "monitor", "history")
    services = SimpleNamespace(tasks=tasks, planner=planner, **dict.fromkeys(names, other))
    asyncio.run(close_services(services))
    assert closed == [TASK_END_S, "closed", "closed", "closed", "saved", "closed", "closed", "closed"]
    assert [record.message for record in caplog.records] == ["the running task did not end in time"]


def test_all_phases_of_the_end_fit_into_ten_seconds():
    ticks_s = 3 * 0.1  # of uvicorn: until it sees the signal, and around its connections
    assert TASK_END_S < END_S
    assert ticks_s + GRACEFUL_SHUTDOWN_S + END_S < 10


@pytest.mark.slow
def test_two_applications_share_nothing(settings, engine, tmp_path, client, post, finish):
    other = settings.model_copy(
        update={"data_dir": tmp_path / "o", "images_dir": tmp_path / "o" / "i", "history_file": tmp_path / "o" / "h"}
    )
    with TestClient(create_app(other, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as second:
        finish(post())
        assert client.get("/api/history").json()["total"] == 1
        assert second.get("/api/history").json()["total"] == 0


def test_the_module_builds_its_app_when_asked(monkeypatch, tmp_path):
    monkeypatch.setenv("ZIMAGE_DATA_DIR", str(tmp_path / "data"))

    app = backend.main.app

    assert isinstance(app, FastAPI)
    assert app.state.services.settings.data_dir == tmp_path / "data"
    assert not (tmp_path / "data").exists()
    with pytest.raises(AttributeError, match="nothing"):
        _ = backend.main.nothing


def test_the_engine_is_built_without_loading_anything(settings):
    kinds = {"auto": AutoEngine, "native": NativeEngine, "diffusers": DiffusersEngine}
    for name, kind in kinds.items():
        assert isinstance(build_engine(settings.model_copy(update={"engine": name})), kind)


# -- python -m backend ------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _keep_the_log_levels():
    level = logging.getLogger("httpx").level
    yield
    logging.getLogger("httpx").setLevel(level)


def fails_with(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(list(arguments)) == 1
    message = capsys.readouterr().err
    assert message.startswith("Z-Image cannot start: ")
    assert "Traceback" not in message
    return message


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_an_open_door_is_refused(capsys, tmp_path, host):
    message = fails_with(capsys, "--host", host, "--data-dir", str(tmp_path))
    assert "ZIMAGE_API_TOKEN" in message
    assert list(tmp_path.iterdir()) == []


def test_a_setting_that_cannot_be_is_named(capsys, monkeypatch):
    assert "ZIMAGE_PORT" in fails_with(capsys, "--port", "70000")
    monkeypatch.setenv("ZIMAGE_LOG_LEVEL", "loud")
    assert "ZIMAGE_LOG_LEVEL" in fails_with(capsys)


@pytest.mark.parametrize("option", ["--port", "--web-port"])
def test_a_taken_port_is_named_with_its_option(capsys, tmp_path, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = ["--port", "0", "--web-port", "0", "--data-dir", str(tmp_path), option, port]
        message = fails_with(capsys, *arguments)
    assert port in message
    assert f"with {option}" in message
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_said(capsys, tmp_path):
    with FolderLock(tmp_path):
        message = fails_with(capsys, "--port", "0", "--web-port", "0", "--data-dir", str(tmp_path))
    assert "in use by another running Z-Image" in message
    assert "--data-dir" in message


def test_a_history_of_a_newer_program_is_said(capsys, tmp_path):
    (tmp_path / "history.json").write_text('{"version": 99, "images": []}')
    message = fails_with(capsys, "--port", "0", "--web-port", "0", "--data-dir", str(tmp_path))
    assert "newer version" in message


def test_a_data_folder_that_cannot_be_is_said(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    fails_with(capsys, "--port", "0", "--web-port", "0", "--data-dir", str(tmp_path / "file" / "data"))
