from __future__ import annotations

import pytest

from backend.services.tasks.eta import Forecast
from tests.backend.fakes import a_request


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
