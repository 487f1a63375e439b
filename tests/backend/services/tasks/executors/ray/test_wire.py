from __future__ import annotations

import json

import pytest
from PIL import Image

from backend.services.generation.events import Ended, Loaded, Loading, Partial, Preview, Step
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks.executors.ray.wire import pack, pack_image, unpack, unpack_image
from tests.backend.fakes import a_picture

EVENTS = (Loading("m"), Loaded("cuda"), Step(1, 8), Preview(PreviewPixels(1, 1, b"abc")), Ended("code", "why"))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event):
    assert unpack(pack(event)) == event


def test_an_image_comes_back_to_the_pixel():
    drawn = a_picture(image=Image.effect_noise((33, 17), 90).convert("RGB"))
    back = unpack(pack(drawn))
    assert back.image.tobytes() == drawn.image.tobytes()
    assert (back.recipe, back.device, back.generation_time_ms) == (drawn.recipe, "cpu", 12.5)


def test_a_partial_image_comes_back_to_the_pixel():
    shown = Partial(Image.effect_noise((33, 17), 90).convert("RGB"), 2)
    back = unpack(pack(shown))
    assert (back.image.tobytes(), back.index) == (shown.image.tobytes(), 2)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_inputs_keep_their_mode(mode):
    image = Image.effect_noise((5, 3), 90).convert(mode)
    back = unpack_image(pack_image(image))
    assert (back.mode, back.size, back.tobytes()) == (mode, (5, 3), image.tobytes())


def test_what_travels_is_plain_data():
    name, fields = pack(a_picture())
    json.dumps([name, {**fields, "image": None}])  # but for the pixels it could be text
    assert isinstance(fields["image"][2], bytes)


def test_what_is_no_event_is_refused():
    with pytest.raises(ValueError, match="'Surprise'"):
        unpack(("Surprise", {}))
