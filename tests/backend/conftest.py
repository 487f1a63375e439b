"""An application on a folder of its own, with a fake engine."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from backend.api.deps import Services
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, make_model_folder, wait_until

FINAL = ("completed", "failed", "cancelled", "interrupted")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs a real model, however small, is slow."""
    for item in items:
        if "tiny_model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(autouse=True, scope="session")
def _no_wait_for_the_disk() -> Iterator[None]:
    """Leaves out what only a power cut could tell apart, and what a busy disk makes slow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda descriptor: None)
        yield


def make_settings(folder: Path) -> Settings:
    """Settings of a machine that has the embedded model and nothing else."""
    make_model_folder(folder / "root" / "Z-Image" / "ckpts" / "zimage-nano", {"size_multiple": 32, "demo": True})
    return Settings(base_dir=folder / "root", data_dir=folder / "data", min_free_disk_mb=0)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One application for all tests of a module that change nothing."""
    app = create_app(make_settings(tmp_path_factory.mktemp("shared")), FakeEngine, hardware=lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return make_settings(tmp_path)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def app(settings: Settings, engine: FakeEngine) -> FastAPI:
    return create_app(settings, lambda: engine, hardware=lambda: PLAIN_CPU)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://localhost") as client:
        yield client


@pytest.fixture
def services(app: FastAPI, client: TestClient) -> Services:
    return app.state.services


@pytest.fixture
def post(client: TestClient) -> Callable[..., str]:
    """Posts a small picture and returns the task's id."""

    def post(prompt: str = "a red apple", **values: object) -> str:
        response = client.post("/api/generate", json={"prompt": prompt, "height": 256, "width": 256, **values})
        assert response.status_code == 202, response.text
        return response.json()["task_id"]

    return post


@pytest.fixture
def finish(client: TestClient) -> Callable[[str], dict[str, Any]]:
    """Waits until a task is finished and returns it."""

    def finish(task_id: str) -> dict[str, Any]:
        def task() -> dict[str, Any]:
            return client.get(f"/api/generate/{task_id}").json()

        wait_until(lambda: task()["status"] in FINAL, f"the end of task {task_id}")
        return task()

    return finish


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole model folder with tiny random weights."""
    import torch
    from training.nano.random_weights import make_random_nano

    torch.set_num_threads(1)  # so small a model only waits for more
    path = tmp_path_factory.mktemp("models") / "zimage-nano"
    make_random_nano(path)
    gc.freeze()  # what it has imported stays
    return path
