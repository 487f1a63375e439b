"""A data folder that an earlier version wrote: its queue goes on, its history and images are read.

`tests/data/version-1.0-before-jobs` was written by the last version that resolved requests when they ran: one task of
two images is finished, one runs, two wait, the second with an open seed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from backend.models.config import Settings
from backend.services.images.metadata.own import extract
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until

OLD = Path(__file__).resolve().parents[1] / "data" / "version-1.0-before-jobs"


@pytest.fixture
def old_settings(settings: Settings) -> Settings:
    shutil.copytree(OLD, settings.data_dir)
    return settings


def test_the_queue_of_the_version_before_jobs_goes_on(old_settings):
    with TestClient(create_app(old_settings, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:

        def tasks() -> list[dict]:
            return client.get("/api/generate", params={"finished": True}).json()["tasks"]

        wait_until(lambda: sum(task["status"] == "completed" for task in tasks()) == 3, "the tasks that waited")
        status = {task["request"]["prompt"]: task["status"] for task in tasks()}
        results = {task["request"]["prompt"]: task["result"] for task in tasks()}

    assert status.pop("running") == "interrupted"
    assert set(status) == {"a red fox", "一只狐狸", "waits, with an open seed"}
    assert [results[prompt]["seed"] for prompt in ("a red fox", "一只狐狸")] == [6, 7]


@pytest.mark.parametrize("lost", [False, True])
def test_the_history_of_the_version_before_recipes_is_read_and_rebuilt(old_settings, lost):
    if lost:
        (old_settings.data_dir / "history.json").unlink()
    (old_settings.data_dir / "tasks.json").unlink()
    with TestClient(create_app(old_settings, FakeEngine, lambda: PLAIN_CPU), base_url="http://localhost") as client:
        images = client.get("/api/history").json()["images"]

    assert [(image["prompt"], image["seed"]) for image in images] == [("a red fox", 6), ("a red fox", 5)]
    assert {image["model"] for image in images} == {"zimage-nano"}


def test_the_images_of_the_version_before_recipes_tell_their_own():
    records = [extract(path) for path in sorted((OLD / "images").iterdir())]
    assert sorted(record.seed for record in records) == [5, 6]
    assert {(record.width, record.num_inference_steps, record.device) for record in records} == {(256, 9, "cpu")}
