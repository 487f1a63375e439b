from __future__ import annotations

import pytest

from backend.models.schemas import ImageRecord, Status
from backend.services.errors import Cancelled, OutOfMemory, ShutDown, StudioError, TimedOut
from backend.services.generation.events import Loaded, Loading, Preview, Step
from backend.services.generation.preview import PreviewPixels
from backend.services.images.records import describe_drawn
from backend.services.tasks import fold
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import Ticking, a_job, a_picture, a_request

IMAGE: ImageRecord = describe_drawn(a_picture(), "1" * 32, Ticking()())


def a_task(images: int = 0, note: str = "", **values: object) -> TaskRecord:
    job = a_job(num_images=2).model_copy(update={"note": note})
    facts = {"id": "2" * 32, "request": a_request(num_images=2), "job": job, "created_at": Ticking()()}
    return TaskRecord(**{**facts, "status": Status.PROCESSING, "images": (IMAGE,) * images, **values})


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        (Loading("m"), None),
        (Loaded("cpu"), "load_s"),
        (Step(0, 8), "encode_s"),
        (Step(3, 8), None),
        (Step(8, 8), "denoise_s"),
        (a_picture(), "decode_s"),
    ],
)
def test_the_phase_that_an_event_ends(event, phase):
    assert fold.phase_before(event) == phase


def test_phases_add_up_over_the_images():
    task = fold.with_phase(fold.with_phase(a_task(), "denoise_s", 1.5), "denoise_s", 2.0)
    assert (task.timings.denoise_s, task.timings.load_s) == (3.5, None)


def test_steps_stop_short_of_the_image_on_the_disk():
    task = fold.with_event(a_task(images=1, note="smaller"), Step(8, 8))
    assert (task.step, task.message) == (8, "Picture 2 of 2: step 8 of 9; smaller")
    assert fold.with_event(task, Step(99, 99)).step == 8


def test_with_the_image_on_the_disk_all_of_its_steps_are_done():
    task = fold.with_image(fold.with_event(a_task(images=1, note="smaller"), Step(8, 8)), IMAGE)
    assert (task.current_step, task.message) == (task.total_steps, "Picture 2 of 2: step 9 of 9; smaller")
    assert fold.with_image(a_task(cancelling=True, message="Cancelling"), IMAGE).message == "Cancelling"


def test_a_task_that_is_being_cancelled_keeps_its_message_and_counts_on():
    task = fold.with_event(a_task(cancelling=True, message="Cancelling"), Step(3, 8))
    assert (task.step, task.message) == (3, "Cancelling")


def test_previews_are_counted():
    preview = Preview(PreviewPixels(1, 1, b"abc"))
    assert fold.with_event(fold.with_event(a_task(), preview), preview).preview_seq == 2


@pytest.mark.parametrize(
    ("images", "failure", "reason", "status", "code"),
    [
        (2, None, None, Status.COMPLETED, None),
        (2, None, Cancelled("c"), Status.COMPLETED, None),
        (1, None, Cancelled("c"), Status.CANCELLED, None),
        (1, None, TimedOut("t"), Status.FAILED, "timeout"),
        (1, None, ShutDown("s"), Status.INTERRUPTED, "interrupted"),
        (1, OutOfMemory("o"), Cancelled("c"), Status.FAILED, "out_of_memory"),
        (2, StudioError("x"), None, Status.FAILED, "internal_error"),
        (1, None, None, Status.FAILED, "internal_error"),
    ],
)
def test_how_a_task_ends(images, failure, reason, status, code):
    changes = fold.outcome(a_task(images), failure, reason)
    assert (changes["status"], changes.get("error_code")) == (status, code)
