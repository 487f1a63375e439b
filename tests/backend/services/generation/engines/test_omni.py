"""References of a recipe through the engines: the native one draws from them, diffusers refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from backend.services.errors import InputUnusable
from backend.services.generation.engines.diffusers import DiffusersEngine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.events import JobEvent, Step
from backend.services.generation.inputs import Inputs
from backend.services.library.files import ModelFiles
from tests.backend.fakes import a_recipe
from tests.backend.services.generation.engines.drawing import PLAN, never
from tests.zimage.omni_folder import make_omni

FOX, SKY = "1" * 64, "2" * 64


@pytest.fixture(scope="module")
def engine(tiny_model: Path, tmp_path_factory: pytest.TempPathFactory) -> NativeEngine:
    engine = NativeEngine()
    engine.load(ModelFiles.of_folder(make_omni(tiny_model, tmp_path_factory.mktemp("omni") / "model")), PLAN)
    return engine


def picture(colour: str) -> Image.Image:
    image = Image.new("RGBA", (160, 120), colour)
    ImageDraw.Draw(image).ellipse((40, 30, 120, 90), fill="orange")
    return image


def draw(
    engine: Any, *references: str, on_event: Any = lambda _event: None, cancelled: Any = never, **more: Any
) -> Any:
    recipe = a_recipe(seed=1, num_inference_steps=3, references=references or None, **more)
    inputs = Inputs({FOX: picture("olive"), SKY: picture("skyblue")})
    image = engine.generate(recipe, on_event, cancelled, inputs)
    return None if image is None else np.asarray(image).astype(int)


def test_references_and_their_order_act(engine):
    drawn = draw(engine, FOX, SKY)
    assert np.array_equal(drawn, draw(engine, FOX, SKY))
    for others in ((SKY, FOX), (FOX,), ()):
        assert not np.array_equal(drawn, draw(engine, *others))


def test_steps_are_told_and_a_cancel_ends_it(engine):
    events: list[JobEvent] = []
    draw(engine, FOX, on_event=events.append)
    assert [event.done for event in events if isinstance(event, Step)] == [0, 1, 2]
    assert draw(engine, FOX, cancelled=lambda: len(events) > 0) is None


def test_guidance_and_negative_prompt_act(engine):
    plain = draw(engine, FOX, guidance_scale=3.0)
    assert not np.array_equal(plain, draw(engine, FOX))
    assert not np.array_equal(plain, draw(engine, FOX, guidance_scale=3.0, negative_prompt="blurry"))


@pytest.mark.parametrize("values", [{"init_image": FOX, "strength": 0.5}])
def test_what_the_variant_does_not_do_is_refused(engine, values):
    with pytest.raises(InputUnusable, match="takes no init_image"):
        draw(engine, FOX, **values)


def test_a_reference_that_cannot_be_read_is_refused_in_a_sentence(engine):
    inputs = Inputs({FOX: Image.new("RGB", (10, 10))})
    with pytest.raises(InputUnusable, match=r"^A reference image needs at least 64 pixels a side, got 10×10\.$"):
        engine.generate(a_recipe(references=[FOX], num_inference_steps=3), lambda _event: None, never, inputs)


@pytest.mark.parametrize("make", [NativeEngine, DiffusersEngine])
def test_a_plain_model_refuses_references(tiny_model, make):
    plain = make()
    plain.load(ModelFiles.of_folder(tiny_model), PLAN)
    with pytest.raises(InputUnusable, match="leave `references` out"):
        draw(plain, FOX)
