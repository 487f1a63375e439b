"""Streams of images by the package `openai`."""

from __future__ import annotations

import asyncio
import base64
from io import BytesIO

import numpy as np
import openai
import pytest
from PIL import Image

from backend.models.schemas import Status
from backend.services.errors import OutOfMemory
from tests.backend.fakes import colour_of, wait_until

SMALL = {"prompt": "a red apple", "size": "256x256", "stream": True}


def image_of(event) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(event.b64_json)))


def test_partial_images_come_while_it_is_drawn(live):
    release = live.engine.pause_at(1)
    stream = live.client().images.generate(**SMALL, partial_images=3, extra_body={"seed": 4})
    first = next(stream)
    wait_until(live.engine.paused.is_set)
    assert live.services.tasks.active()[0].step == 1  # forward of eight
    release()
    events = [first, *stream]

    assert [event.type for event in events] == ["image_generation.partial_image"] * 3 + ["image_generation.completed"]
    assert [event.partial_image_index for event in events[:3]] == [0, 1, 2]
    assert [image_of(event).getpixel((9, 9)) for event in events] == [
        *(colour_of("partial", done, 1, 1).getpixel((0, 0)) for done in (1, 3, 5)),
        colour_of("a red apple", 4, 1, 1).getpixel((0, 0)),
    ]
    assert {(event.size, event.output_format, event.background) for event in events} == {("256x256", "png", "opaque")}


def test_partial_images_of_a_real_model_are_whole_and_become_the_image(real):
    values = {**SMALL, "extra_body": {"seed": 4, "steps": 7}}
    *partials, last = real.client().images.generate(**values, partial_images=3)
    plain = real.client().images.generate(**{**values, "stream": False})
    pixels = [np.asarray(image_of(event)).astype(int) for event in (*partials, last)]
    assert [image.shape for image in pixels] == [(256, 256, 3)] * 4
    far = [np.abs(image - pixels[-1]).mean() for image in pixels]
    assert far == sorted(far, reverse=True)
    assert far[-2] > 0
    assert np.array_equal(pixels[-1], np.asarray(Image.open(BytesIO(base64.b64decode(plain.data[0].b64_json)))))
    assert last.usage.total_tokens == last.usage.input_tokens + last.usage.output_tokens > 0


@pytest.mark.parametrize(("kind", "name"), [("WEBP", "webp"), ("JPEG", "jpeg")])
def test_all_events_have_the_format(steady, kind, name):
    events = list(steady.client().images.generate(**SMALL, partial_images=1, output_format=name, user="me"))
    assert [image_of(event).format for event in events] == [kind, kind]
    assert events[-1].safety_identifier == "me"


def test_without_partial_images_there_is_one_event_for_each_image(steady):
    events = list(steady.client().images.generate(**SMALL, n=3, extra_body={"seed": 10}))
    assert [event.type for event in events] == ["image_generation.completed"] * 3
    assert [image_of(event).getpixel((0, 0)) for event in events] == [
        colour_of("a red apple", seed, 1, 1).getpixel((0, 0)) for seed in (10, 11, 12)
    ]


def test_a_failure_ends_the_stream_with_an_error(live):
    live.engine.errors[3] = OutOfMemory("The picture does not fit into memory.")
    stream = live.client().images.generate(**SMALL, partial_images=1)
    assert next(stream).type == "image_generation.partial_image"
    with pytest.raises(openai.APIError, match="does not fit"):
        next(stream)


def test_closing_the_stream_cancels_the_task(live):
    release = live.engine.pause_at(2)
    stream = live.client().images.generate(**SMALL, partial_images=1)
    next(stream)
    stream.close()
    wait_until(lambda: live.services.tasks.active()[0].cancelling)
    release()
    wait_until(lambda: live.services.tasks.finished())
    assert live.services.tasks.finished()[0].status is Status.CANCELLED


def test_the_async_client_streams(steady):
    async def draw():
        async with steady.async_client() as client:
            stream = await client.images.generate(**SMALL, partial_images=2)
            return [event.type async for event in stream]

    assert asyncio.run(draw())[-1] == "image_generation.completed"


def test_a_request_that_is_refused_is_no_stream(steady):
    with pytest.raises(openai.BadRequestError):
        steady.client().images.generate(**{**SMALL, "size": "1x1"})
