"""The API inside another program."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from backend.embedded import EmbeddedFailed, create_embedded_app, serve_embedded
from backend.main import create_app
from backend.models.config import Settings
from backend.utils.folder_lock import FolderLock
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine


@pytest.fixture
def folders(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def make_app(folders: Settings):
    def make(settings: Settings, tasks_file: Path) -> FastAPI:
        changes = {name: getattr(settings, name) for name in ("host", "port", "web_port", "api_token")}
        own = folders.model_copy(update=changes)
        return create_app(own, FakeEngine, hardware=lambda: PLAIN_CPU, tasks_file=tasks_file)

    return make


def test_it_answers_to_its_token_only(make_app, monkeypatch):
    monkeypatch.setenv("ZIMAGE_HOST", "0.0.0.0")  # where the servers of this person listen, this one does not
    monkeypatch.setenv("ZIMAGE_API_TOKENS", "alice:alice's secret token")
    monkeypatch.setenv("ZIMAGE_WEBHOOK_SECRETS", f"alice:whsec_{'0' * 40}")
    with serve_embedded(make_app) as server, httpx.Client(base_url=server.url, trust_env=False) as http:
        assert http.get("/api/models").status_code == 401
        answer = http.get("/api/models", headers={"Authorization": f"Bearer {server.token}"})
        assert answer.json()["default"] == "zimage-nano"
    with pytest.raises(httpx.ConnectError), httpx.Client(trust_env=False) as http:
        http.get(server.url)


def test_tasks_that_wait_in_the_data_folder_stay_there(make_app, folders: Settings):
    folders.data_dir.mkdir(parents=True)
    waiting = json.dumps({"schema_version": 2, "tasks": []})
    (folders.data_dir / "tasks.json").write_text(waiting)
    with serve_embedded(make_app):
        pass
    assert (folders.data_dir / "tasks.json").read_text() == waiting


def test_a_data_folder_has_one_owner(make_app, folders: Settings):
    folders.data_dir.mkdir(parents=True)
    with FolderLock(folders.data_dir), pytest.raises(EmbeddedFailed, match="in use by another running Z-Image"):
        with serve_embedded(make_app):
            pytest.fail("it has started")


def test_the_application_keeps_its_tasks_where_it_is_told(folders: Settings, tmp_path: Path):
    app = create_embedded_app(folders, tmp_path / "tasks.json")
    assert app.state.services.settings is folders
