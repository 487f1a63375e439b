"""Partial images: the schedule, and what both engines show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.services.errors import OutOfMemory
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.engines.partials import Partials, partial_forwards
from backend.services.generation.events import Partial, Step
from backend.services.generation.inputs import Inputs
from backend.services.library.files import ModelFiles
from tests.backend.fakes import a_recipe, colour_of
from tests.backend.services.generation.engines.drawing import PLAN, never

PHOTO, MASK = "a" * 64, "b" * 64


@pytest.mark.parametrize(
    ("forwards", "partial_images", "expected"),
    [
        (8, 0, {}),
        (8, 1, {1: 0}),
        (8, 2, {1: 0, 4: 1}),
        (8, 3, {1: 0, 3: 1, 5: 2}),
        (49, 3, {1: 0, 17: 1, 33: 2}),
        (3, 3, {1: 0, 2: 1}),
        (2, 3, {1: 0}),
        (1, 3, {}),
    ],
)
def test_the_first_comes_at_once_and_none_after_the_last_forward(forwards, partial_images, expected):
    assert partial_forwards(forwards, partial_images) == expected


def test_no_partial_is_decoded_for_a_cancelled_image():
    decoded = []
    Partials(8, 3, print, lambda: True).show(1, lambda: decoded.append(1))
    assert not decoded


def test_a_partial_that_does_not_fit_is_left_out():
    events = []

    def decode():
        raise OutOfMemory("no")

    Partials(8, 3, events.append, never).show(1, decode)
    assert events == []


@pytest.fixture(scope="module", params=[DiffusersEngine, NativeEngine])
def engine(request, tiny_model: Path):
    engine = request.param()
    engine.load(ModelFiles.of_folder(tiny_model), PLAN)
    return engine


def drawn(engine, partial_images, inputs=None, **values):
    events = []
    recipe = a_recipe(**{"seed": 1, "num_inference_steps": 7, **values})
    image = engine.generate(recipe, events.append, never, inputs or Inputs(), partial_images)
    return np.asarray(image).astype(int), events


def test_partials_come_before_their_steps_in_full_size_and_change_nothing(engine):
    plain, none = drawn(engine, 0)
    image, events = drawn(engine, 3)

    assert not any(isinstance(event, Partial) for event in none)
    assert np.array_equal(plain, image)
    places = [(event.index, events[at + 1]) for at, event in enumerate(events) if isinstance(event, Partial)]
    assert places == [(0, Step(1, 6)), (1, Step(2, 6)), (2, Step(4, 6))]
    partials = [np.asarray(event.image).astype(int) for event in events if isinstance(event, Partial)]
    assert all(partial.shape == image.shape for partial in partials)
    far = [np.abs(partial - image).mean() for partial in partials]
    assert far == sorted(far, reverse=True)
    assert far[-1] > 0


def test_partials_of_an_edit_keep_what_the_mask_keeps(engine):
    mask = colour_of("m", 1, 250, 250).convert("L").point(lambda _: 0)
    mask.paste(255, (64, 64, 160, 160))
    inputs = Inputs({PHOTO: colour_of("p", 2, 250, 250), MASK: mask})
    values = {"init_image": PHOTO, "mask": MASK, "feather": 0, "strength": 0.9}

    image, events = drawn(engine, 2, inputs, **values)

    source = np.asarray(inputs.image(PHOTO)).astype(int)
    kept = np.asarray(mask) == 0
    partials = [np.asarray(event.image).astype(int) for event in events if isinstance(event, Partial)]
    assert len(partials) == 2
    for partial in partials:
        assert partial.shape == image.shape == (250, 250, 3)
        assert np.array_equal(partial[kept], source[kept])
        assert not np.array_equal(partial, source)
