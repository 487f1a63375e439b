"""A real server on the loopback, and the package `openai` in front of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi import FastAPI
from PIL import Image

from backend.embedded import serve_embedded
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

TOKEN = "0123456789abcdef"
NANO = Path(__file__).resolve().parents[5] / "Z-Image" / "ckpts" / "zimage-nano"


class Live:
    """A server that is served, with its engine and its services."""

    def __init__(self, app: FastAPI, url: str, engine: Any) -> None:
        self.services = app.state.services
        self.engine = engine
        self.url = url
        self._clients: list[openai.OpenAI] = []

    def client(self, key: str = "none", **values: Any) -> openai.OpenAI:
        client = openai.OpenAI(base_url=f"{self.url}/v1", api_key=key, **{"max_retries": 0, "timeout": 30, **values})
        self._clients.append(client)
        return client

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def async_client(self, key: str = "none", **values: Any) -> openai.AsyncOpenAI:
        return openai.AsyncOpenAI(base_url=f"{self.url}/v1", api_key=key, **{"max_retries": 0, "timeout": 30, **values})

    def records(self) -> list[Any]:
        from backend.services.images.index import HistoryQuery

        return self.services.history.find(HistoryQuery()).records


@contextmanager
def serve(settings: Settings, engine: Any = None) -> Iterator[Live]:
    engine = engine or FakeEngine()
    apps: list[FastAPI] = []

    def make(_embedded: Settings, tasks_file: Path) -> FastAPI:
        apps.append(create_app(settings, lambda: engine, hardware=lambda: PLAIN_CPU, tasks_file=tasks_file))
        return apps[0]

    with serve_embedded(make) as server:
        with closing(Live(apps[0], server.url, engine)) as live:
            yield live


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    with serve(make_settings(tmp_path)) as live:
        yield live


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """One server for the tests of a module that leave nothing running; it has a tokenizer."""
    settings = make_settings(tmp_path_factory.mktemp("steady"))
    shutil.copytree(NANO / "tokenizer", settings.base_dir / "Z-Image/ckpts/zimage-nano/tokenizer", dirs_exist_ok=True)
    with serve(settings) as live:
        yield live


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Live]:
    with serve(make_settings(tmp_path).model_copy(update={"api_token": TOKEN})) as live:
        yield live


@pytest.fixture
def real(tmp_path: Path, tiny_model: Path) -> Iterator[Live]:
    """A server with a real engine and tiny random weights."""
    from backend.services.generation.engines.native import NativeEngine

    settings = make_settings(tmp_path)
    place = settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano"
    shutil.rmtree(place)
    shutil.copytree(tiny_model, place)
    with serve(settings, NativeEngine()) as live:
        yield live


@pytest.fixture
def png() -> Callable[..., bytes]:
    def png(image: Image.Image) -> bytes:
        buffer = BytesIO()
        image.save(buffer, "PNG")
        return buffer.getvalue()

    return png
