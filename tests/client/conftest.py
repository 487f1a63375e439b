"""A real server on the loopback with a fake engine, and clients that wait for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from zimage_client import Client, Retries

from backend.embedded import Embedded, serve_embedded
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

AT_ONCE = Retries(attempts=4, first_wait_s=0)


@pytest.fixture(autouse=True, scope="session")
def _no_wait_for_the_disk() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def make_app(tmp_path: Path, engine: FakeEngine) -> Callable[[Settings, Path], FastAPI]:
    """Builds the application with the embedded server's settings on folders of the test."""
    folders = make_settings(tmp_path)

    def make(settings: Settings, tasks_file: Path) -> FastAPI:
        changes = {name: getattr(settings, name) for name in ("host", "port", "web_port", "api_token")}
        own = folders.model_copy(update=changes)
        return create_app(own, lambda: engine, hardware=lambda: PLAIN_CPU, tasks_file=tasks_file)

    return make


@pytest.fixture
def server(make_app: Callable[[Settings, Path], FastAPI]) -> Iterator[Embedded]:
    with serve_embedded(make_app) as server:
        yield server


@pytest.fixture
def client(server: Embedded) -> Iterator[Client]:
    with Client(server.url, server.token, retries=AT_ONCE) as client:
        yield client
