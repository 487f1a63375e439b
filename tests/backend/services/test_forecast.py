from __future__ import annotations

import pytest

from backend.models.schemas import Status, TaskRecord
from backend.services.forecast import Forecast, Outlook, look_ahead
from tests.backend.fakes import Ticking, a_request


def a_task(number: int, status: Status = Status.PENDING, **values: object) -> TaskRecord:
    facts = {"id": f"{number:032x}", "request": a_request(num_inference_steps=9), "created_at": Ticking()()}
    return TaskRecord(**{**facts, "status": status, **values})


@pytest.fixture
def forecast() -> Forecast:
    """Knows that 256×256 takes a second a forward and two around them."""
    forecast = Forecast()
    forecast.learn(a_request(), forwards=8, denoise_s=8.0, around_s=2.0)
    return forecast


def test_nothing_is_foretold_without_experience():
    assert Forecast().seconds(a_request()) is None


@pytest.mark.parametrize(
    ("values", "done", "seconds"),
    [
        ({}, (0, 0), 10.0),
        ({}, (0, 5), 5.0),
        ({"num_inference_steps": 1}, (0, 0), 3.0),
        ({"num_images": 4}, (0, 0), 40.0),
        ({"num_images": 4}, (3, 8), 2.0),
        ({"width": 512}, (0, 0), 20.0),
        ({"guidance_scale": 4.0}, (0, 0), None),
    ],
)
def test_what_is_left(forecast, values, done, seconds):
    assert forecast.seconds(a_request(**values), *done) == (seconds and pytest.approx(seconds))


def test_another_model_is_another_matter(forecast):
    assert forecast.seconds(a_request(model="z-image-turbo")) is None
    assert forecast.seconds(a_request(use_gpu=False)) is None


def test_the_mean_follows_what_is_measured(forecast):
    for _ in range(20):
        forecast.learn(a_request(), forwards=8, denoise_s=80.0, around_s=2.0)
    assert forecast.seconds(a_request()) == pytest.approx(82.0, rel=0.01)


def test_the_first_steps_of_a_first_picture_are_a_guess_until_it_is_known(forecast):
    small = Forecast()
    small.guess(a_request(), forwards=2, denoise_s=6.0)
    assert small.seconds(a_request(), 0, 2) == pytest.approx(18.0)
    forecast.guess(a_request(), forwards=2, denoise_s=600.0)
    assert forecast.seconds(a_request()) == pytest.approx(10.0)


def test_only_so_many_kinds_are_remembered():
    forecast = Forecast()
    for side in range(256, 256 + 16 * 80, 16):
        forecast.learn(a_request(width=side, model=f"m{side}"), 8, 8.0, 0.0)
    assert forecast.seconds(a_request(model="m256")) is None
    assert forecast.seconds(a_request(width=1504, model="m1520")) is not None


def test_the_running_task_and_those_before_count(forecast):
    running = a_task(1, Status.PROCESSING, step=4)
    waiting = [a_task(2), a_task(3)]

    def look(task: TaskRecord, since_s: float = 1.0) -> Outlook:
        return look_ahead(task, [running], waiting, forecast, since_s)

    assert look(running) == Outlook(None, pytest.approx(5.0))
    assert look(running, 100.0) == Outlook(None, 0.0)
    assert look(waiting[0]) == Outlook(0, pytest.approx(15.0))
    assert look(waiting[1]) == Outlook(1, pytest.approx(25.0))
    assert look(a_task(4, Status.COMPLETED)) == Outlook()
    assert look(a_task(5)) == Outlook()


def test_one_unknown_task_before_makes_the_end_unknown(forecast):
    unknown, known = a_task(1, request=a_request(model="other")), a_task(2)
    assert look_ahead(known, [], [unknown, known], forecast, 0.0) == Outlook(1, None)
