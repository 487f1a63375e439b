"""The asynchronous client: the same names, and the same answers."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from zimage_client import AsyncClient, Client, NotFound, TaskFailed, WaitTimeout

from backend.embedded import Embedded
from tests.backend.fakes import FakeEngine
from tests.backend.services.library.loras.lora_files import write_lora
from tests.client.conftest import AT_ONCE
from tests.client.test_client import SMALL, TASK_ID, event

Run = Callable[[Callable[[AsyncClient], Coroutine[Any, Any, Any]]], Any]


@pytest.fixture
def run(server: Embedded) -> Run:
    async def open_and_run(use: Callable[[AsyncClient], Coroutine[Any, Any, Any]]) -> Any:
        async with AsyncClient(server.url, server.token, retries=AT_ONCE) as client:
            return await use(client)

    return lambda use: asyncio.run(open_and_run(use))


def public(kind: type) -> dict[str, list[inspect.Parameter]]:
    members = inspect.getmembers(kind, inspect.isfunction)
    return {name: list(inspect.signature(f).parameters.values()) for name, f in members if not name.startswith("_")}


def test_both_clients_have_the_same_methods_with_the_same_parameters():
    ours, theirs = public(Client), public(AsyncClient)
    assert len(ours) >= 30
    assert ours == theirs


def test_drawing_gives_what_the_other_client_gives(run, client, engine):
    async def draw(client: AsyncClient):
        return await client.draw("a fox", num_images=2, seed=7, **SMALL)

    drawn, other = run(draw), client.draw("a fox", num_images=2, seed=7, **SMALL)
    assert [one.image.pixel_hash for one in drawn] == [one.image.pixel_hash for one in other]
    assert all(one.png.startswith(b"\x89PNG") for one in drawn)


def test_the_queue_and_the_history(run, client):
    ids = [client.draw(f"fox {number}", seed=number, **SMALL)[0].image.id for number in range(3)]

    async def look(client: AsyncClient):
        images = [image.id async for image in client.images(page_size=2)]
        assert (await client.latest()).id == images[0]
        assert (await client.link(images[0])).startswith(f"{client.address}/api/download/{images[0]}")
        assert (await client.delete(images[0])).done == (images[0],)
        assert (await client.restore(images[0])).done == (images[0],)
        assert (await client.mark([images[0]])).done == (images[0],)
        assert (await client.tag([images[0]], "x")).done == (images[0],)
        assert (await client.history(tag="x")).total == 1
        assert await client.queue() == ()
        assert await client.cancel_waiting() == ()
        assert len(await client.queue(finished=True)) == 3
        await client.clear()
        assert (await client.models()).default == "zimage-nano"
        assert (await client.estimate("a fox", **SMALL)).fits
        with pytest.raises(NotFound):
            await client.task(TASK_ID)
        return images

    assert run(look) == ids[::-1]


def test_failures_and_limits(run, engine):
    engine.errors[1] = RuntimeError("broken")
    with pytest.raises(TaskFailed):
        run(lambda client: client.draw("a fox", **SMALL))
    go_on = engine.pause_at(1)

    async def wait(client: AsyncClient):
        task_id = await client.generate("a fox", **SMALL)
        with pytest.raises(WaitTimeout):
            await client.wait(task_id, timeout_s=0.05)
        go_on()
        return (await client.wait(task_id)).status

    assert run(wait) == "completed"


def test_a_coroutine_that_is_cancelled_cancels_its_task(run, engine: FakeEngine):
    go_on = engine.pause_at(1)

    async def cancel(client: AsyncClient):
        drawing = asyncio.create_task(client.draw("a fox", **SMALL))
        assert await asyncio.to_thread(engine.paused.wait, 10)
        drawing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await drawing
        (task,) = await client.queue(finished=True)
        go_on()
        return (await client.wait(task.task_id)).status

    assert run(cancel) == "cancelled"


def test_events_go_on_where_they_broke():
    requests: list[httpx.Request] = []

    class Broken(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield event(1)
            raise httpx.ReadError("broken")

    def handle(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        headers = {"Content-Type": "text/event-stream"}
        if len(requests) == 1:
            return httpx.Response(200, headers=headers, stream=Broken())
        return httpx.Response(200, headers=headers, content=event(2, status="completed"))

    async def listen():
        async with AsyncClient("localhost:9", transport=httpx.MockTransport(handle), retries=AT_ONCE) as client:
            return [task.current_step async for task in client.events(TASK_ID)]

    assert asyncio.run(listen()) == [1, 2]
    assert requests[1].headers["Last-Event-ID"] == "e1"


def test_polls_where_events_do_not_come_through():
    def handle(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/events"):
            return httpx.Response(200, text="<html>")
        return httpx.Response(200, json={"task_id": TASK_ID, "status": "completed"})

    async def listen():
        async with AsyncClient("localhost:9", transport=httpx.MockTransport(handle), retries=AT_ONCE) as client:
            return (await client.wait(TASK_ID)).status

    assert asyncio.run(listen()) == "completed"


def test_loras(run, tmp_path):
    file = write_lora(tmp_path / "ink.safetensors")

    async def use(client: AsyncClient) -> None:
        assert (await client.add_lora(file)).name == "ink"
        assert [lora.name for lora in (await client.loras()).loras] == ["ink"]
        with pytest.raises(NotFound):
            await client.lora_preview("ink")
        await client.delete_lora("ink")
        assert (await client.loras()).loras == ()

    run(use)
