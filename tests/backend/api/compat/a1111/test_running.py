from __future__ import annotations

import base64
from io import BytesIO

import pytest
from PIL import Image

from backend.api.compat.a1111.running import current_task, interrupt, present_progress, skip
from backend.models.schemas import Status
from backend.services.generation.preview import PreviewPixels
from tests.backend.fakes import a_request, wait_until


@pytest.fixture
def submit(services):
    def submit(client: str = "me", door: str | None = "a1111", **values: object) -> str:
        return services.tasks.submit(a_request(**values), client, door=door)

    return submit


def test_only_what_came_by_this_door_from_this_client_is_its_task(services, engine, submit):
    release = engine.pause_at(1)
    submit(door=None)
    submit(client="you")
    wait_until(engine.paused.is_set)
    assert current_task(services.tasks, "me") is None
    assert present_progress(services.tasks, "me", with_image=True)["progress"] == 0
    own, later = submit(), submit()
    assert current_task(services.tasks, "me").id == own

    waiting = present_progress(services.tasks, "me", with_image=True)
    assert (waiting["progress"], waiting["state"]["job_count"], waiting["current_image"]) == (0, 1, None)
    interrupt(services.tasks, "me")
    assert services.tasks.get(own).status is Status.CANCELLED
    assert current_task(services.tasks, "me").id == later
    release()


def test_a_task_that_runs_is_never_at_0_and_has_a_preview(services, engine, submit, monkeypatch):
    release = engine.pause_at(0)
    own = submit()
    wait_until(engine.paused.is_set)
    assert present_progress(services.tasks, "me", with_image=True)["progress"] == 0.01

    pixels = PreviewPixels(2, 1, bytes([1, 0, 0, 255, 255, 255]))
    monkeypatch.setattr(services.tasks, "preview", lambda task_id: (1, pixels) if task_id == own else None)
    shown = present_progress(services.tasks, "me", with_image=True)["current_image"]
    with Image.open(BytesIO(base64.b64decode(shown))) as image:
        assert (image.format, image.size) == ("PNG", (256, 128))
    assert present_progress(services.tasks, "me", with_image=False)["current_image"] is None
    release()


def test_without_a_task_there_is_nothing_to_end(services):
    interrupt(services.tasks, "me")
    skip(services.tasks, "me")
