"""The package `ollama` against a server on the loopback, where the door stands at the root of a port."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO

import httpx
import ollama
import pytest
from fastapi import FastAPI
from PIL import Image

from backend.api.compat.ollama.door import OllamaPort
from backend.main import create_app
from backend.models.schemas import Status
from backend.services.errors import OutOfMemory
from tests.backend.api.compat.live import listening
from tests.backend.fakes import PLAIN_CPU, FakeEngine, colour_of, wait_until

TOKEN = "0123456789abcdef"
SIZE = {"width": 256, "height": 256, "steps": 4}
MODEL = "x/zimage-nano:latest"


@pytest.fixture
def app(settings, engine) -> FastAPI:
    return create_app(settings.model_copy(update={"ollama": 11434}), lambda: engine, hardware=lambda: PLAIN_CPU)


@pytest.fixture
def url(app) -> Iterator[str]:
    with listening(app, OllamaPort(app)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def client(url) -> Iterator[ollama.Client]:
    with ollama.Client(url, timeout=20) as client:
        yield client


def picture(text: str | None) -> Image.Image:
    return Image.open(BytesIO(base64.b64decode(text or "")))


def test_an_image_in_one_answer(client, app, engine):
    answer = client.generate(MODEL, "a red apple", options={"seed": 7}, **SIZE)

    image = picture(answer.image)
    assert (image.format, image.size) == ("PNG", (256, 256))
    assert image.getpixel((0, 0)) == colour_of("a red apple", 7, 1, 1).getpixel((0, 0))
    assert (answer.model, answer.done, answer.done_reason, answer.response) == (MODEL, True, "stop", "")
    assert answer.total_duration > 0
    assert (engine.requests[0].seed, engine.requests[0].num_inference_steps) == (7, 4)
    assert app.state.services.history.latest().door == "ollama"


def test_every_step_is_told_and_the_last_line_has_the_image(client):
    *steps, last = client.generate("zimage-nano", "a", stream=True, **SIZE)

    assert all(not step.done and step.image is None for step in steps)
    assert [step.completed for step in steps] == sorted({step.completed for step in steps})
    assert {step.total for step in steps} == {4}
    assert last.done
    assert picture(last.image).size == (256, 256)


def test_the_asynchronous_client(url):
    async def draw() -> list[ollama.GenerateResponse]:
        client = ollama.AsyncClient(url)
        async with client:
            return [part async for part in await client.generate("zimage-nano", "a", stream=True, **SIZE)]

    assert picture(asyncio.run(draw())[-1].image).size == (256, 256)


def test_an_image_is_drawn_from(client, engine, app):
    file = BytesIO()
    Image.new("RGB", (300, 300), "blue").save(file, "JPEG")
    client.generate("zimage-nano", "a", images=[file.getvalue()], options={"strength": 0.3}, **SIZE)

    recipe = engine.requests[0]
    assert (recipe.strength, recipe.width) == (0.3, 256)
    assert app.state.services.inputs.read(recipe.init_image).size == (256, 256)
    client.generate("zimage-nano", "a", images=[file.getvalue()], steps=4)
    assert app.state.services.inputs.read(engine.requests[1].init_image).size == (300, 300)


def test_models_are_listed_shown_and_told_to_be_loaded(client):
    (model,) = client.list().models
    assert model.model == "zimage-nano:latest"
    assert isinstance(model.modified_at, datetime)
    assert model.size > 0
    assert len(model.digest) == 64
    shown = client.show(model.model)
    assert (shown.capabilities, shown.details.family) == (["image"], "z-image")
    client.generate(model.model, "a", **SIZE)
    assert [loaded.model for loaded in client.ps().models] == ["zimage-nano:latest"]


def test_without_a_prompt_nothing_is_drawn(client, engine):
    assert client.generate("zimage-nano", "").done_reason == "load"
    assert client.generate("zimage-nano", "", keep_alive=0).done_reason == "unload"
    assert engine.requests == []


@pytest.mark.parametrize(
    ("ask", "status", "word"),
    [
        (lambda c: c.generate("llama3", "a"), 404, "zimage-nano"),
        (lambda c: c.generate("x/z-image-turbo", "a"), 404, "not installed"),
        (lambda c: c.generate(" ", "a"), 404, "tags"),
        (lambda c: c.generate("zimage-nano", "a", steps=99), 400, "steps"),
        (lambda c: c.generate("zimage-nano", "a", width=4096, height=256), 400, "width"),
        (lambda c: c.generate("zimage-nano", "a", options={"negative_prompt": "b"}, **SIZE), 400, "negative prompt"),
        (lambda c: c.generate("zimage-nano", "a", images=[b"x", b"y"]), 400, "2"),
        (lambda c: c.generate("zimage-nano", "a", images=[b"x"]), 400, "PNG"),
        (lambda c: c.generate("zimage-nano", "a" * 5000, stream=False), 400, "prompt"),
        (lambda c: next(c.generate("zimage-nano", "a", stream=True, steps=99)), 400, "steps"),
        (lambda c: c.show("llama3"), 404, "llama3"),
        (lambda c: c.chat("zimage-nano", [{"role": "user", "content": "hi"}]), 400, "images"),
        (lambda c: c.embed("zimage-nano", "a"), 400, "images"),
        (lambda c: c.pull("zimage-nano"), 400, "Z-Image"),
        (lambda c: c.delete("zimage-nano"), 400, "Z-Image"),
    ],
)
def test_what_cannot_be_is_refused_in_their_shape(client, engine, ask, status, word):
    with pytest.raises(ollama.ResponseError) as raised:
        ask(client)
    assert raised.value.status_code == status
    assert word in raised.value.error
    assert engine.requests == []


def test_a_task_that_fails_is_an_error_in_both_ways(client, engine):
    for stream in (False, True):
        engine.errors[2] = OutOfMemory("The image does not fit.")
        with pytest.raises(ollama.ResponseError, match="does not fit"):
            list(client.generate("zimage-nano", "a", stream=stream, **SIZE))


def test_the_task_ends_with_the_stream(client, engine, app):
    release = engine.pause_at(2)
    parts = client.generate("zimage-nano", "slow", stream=True, **SIZE)
    next(parts)
    wait_until(engine.paused.is_set)
    parts.close()
    tasks = app.state.services.tasks
    wait_until(lambda: tasks.active()[0].cancelling, "the task to be cancelled")
    release()
    wait_until(lambda: tasks.finished() and tasks.finished()[0].status is Status.CANCELLED)


def test_what_curl_sends_is_understood(url):
    body = json.dumps({"model": "zimage-nano", "prompt": "a", "stream": False, "seed": None, **SIZE})
    answer = httpx.post(
        f"{url}/api/generate", content=body, headers={"content-type": "application/x-www-form-urlencoded"}
    )
    assert answer.status_code == 200
    assert picture(answer.json()["image"]).size == (256, 256)


def test_the_stream_is_ndjson(url):
    answer = httpx.post(f"{url}/api/generate", json={"model": "zimage-nano", "prompt": "a", **SIZE})
    assert answer.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert set(lines[0]) == {"model", "created_at", "response", "completed", "total", "done"}
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]


def test_the_root_and_the_version(url):
    assert httpx.get(url).text == "Ollama is running"
    assert httpx.head(f"{url}/").status_code == 200
    assert httpx.get(f"{url}/api/version").json()["version"].count(".") == 2
    unknown = httpx.get(f"{url}/api/nothing")
    assert (unknown.status_code, set(unknown.json())) == (404, {"error"})


def test_the_guards_are_those_of_the_api(url, settings):
    assert httpx.get(f"{url}/api/tags", headers={"host": "evil.example"}).status_code == 421
    evil = httpx.post(f"{url}/api/generate", json={}, headers={"origin": "http://evil.example"})
    assert (evil.status_code, set(evil.json())) == (403, {"error"})


def test_a_token_is_asked_for_where_one_is_set(tmp_path, settings):
    locked = settings.model_copy(update={"ollama": 11434, "api_token": TOKEN})
    app = create_app(locked, FakeEngine, hardware=lambda: PLAIN_CPU)
    with listening(app, OllamaPort(app)) as port:
        with ollama.Client(f"http://127.0.0.1:{port}") as client, pytest.raises(ollama.ResponseError) as raised:
            client.list()
        assert raised.value.status_code == 401
        with ollama.Client(f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {TOKEN}"}) as client:
            assert len(client.list().models) == 1


def test_the_door_stands_on_the_port_of_the_api_too_and_is_shut_without_its_setting(app, settings):
    with listening(app) as port, ollama.Client(f"http://127.0.0.1:{port}/ollama") as client:
        assert picture(client.generate("zimage-nano", "a", **SIZE).image).size == (256, 256)
    shut = create_app(settings, FakeEngine, hardware=lambda: PLAIN_CPU)
    with listening(shut) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/ollama/api/tags").status_code == 404
