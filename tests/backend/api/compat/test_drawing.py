"""A task for as long as somebody waits."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from backend.api.compat.drawing import Drawing, open_drawing
from backend.models.schemas import Status
from backend.services.errors import Cancelled, StudioError
from tests.backend.fakes import a_request, wait_until


class Connection:
    """A request of which only the end is asked for."""

    def __init__(self) -> None:
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 20))


def test_a_finished_task_names_its_door_in_the_task_the_record_and_the_file(services):
    async def draw():
        async with open_drawing(services.tasks, a_request("door"), "me", "openai") as drawing:
            return await drawing.finished()

    task = run(draw())

    assert (task.status, task.door, task.client) == (Status.COMPLETED, "openai", "me")
    assert services.history.get(task.images[0].id).door == "openai"
    assert '"door":"openai"' in services.settings.history_file.read_text("utf-8").replace(" ", "")


def test_what_came_by_the_api_names_no_door(services, post, finish):
    finish(post())
    assert '"door"' not in services.settings.history_file.read_text("utf-8")


def test_the_history_can_be_asked_for_a_door(services, client, post, finish):
    finish(post('a picture of "openai"'))

    async def draw():
        async with open_drawing(services.tasks, a_request("mine"), "me", "openai") as drawing:
            await drawing.finished()

    run(draw())
    assert [image["prompt"] for image in client.get("/api/history?door=openai").json()["images"]] == ["mine"]
    assert client.get("/api/history?door=mcp").json()["total"] == 0
    assert client.get("/api/history?door=window").status_code == 422


def test_every_change_is_seen_and_the_last_is_the_end(services, engine):
    seen = []
    releases = {step: engine.pause_at(step) for step in (1, 2)}  # each waits until it has been seen

    async def draw():
        async with open_drawing(services.tasks, a_request(), "me", "openai") as drawing:
            async for task in drawing.changes():
                seen.append(task)
                releases.get(task.current_step, lambda: None)()

    run(draw())
    assert seen[-1].status is Status.COMPLETED
    assert not any(task.status.is_final for task in seen[:-1])
    assert len({id(task) for task in seen}) == len(seen) > 2


def test_the_task_ends_with_the_connection(services, engine):
    release = engine.pause_at(2)

    async def draw():
        connection = Connection()
        async with open_drawing(services.tasks, a_request(), "me", "openai") as drawing:
            await asyncio.to_thread(engine.paused.wait, 10)
            connection.gone.set()
            with pytest.raises(Cancelled):
                await drawing.finished_for(connection)
            return drawing.task_id

    task_id = run(draw())
    release()
    wait_until(lambda: services.tasks.get(task_id).status is Status.CANCELLED)


def test_the_task_ends_with_whoever_waits(services, engine):
    release = engine.pause_at(2)
    ids = []

    async def draw():
        async with open_drawing(services.tasks, a_request(), "me", "openai") as drawing:
            ids.append(drawing.task_id)
            await drawing.finished()

    async def give_up():
        waiting = asyncio.create_task(draw())
        await asyncio.to_thread(engine.paused.wait, 10)
        waiting.cancel()
        await asyncio.wait([waiting])

    run(give_up())
    release()
    wait_until(lambda: services.tasks.get(ids[0]).status is Status.CANCELLED)


def test_a_task_with_a_key_outlives_its_connection_and_is_given_to_who_asks_again(services, engine):
    release = engine.pause_at(2)

    async def draw():
        async with open_drawing(services.tasks, a_request(seed=1), "me", "openai", "key") as first:
            pass
        async with open_drawing(services.tasks, a_request(seed=1), "me", "openai", "key") as second:
            release()
            return first.task_id, await second.finished()

    task_id, task = run(draw())
    assert (task.id, task.status) == (task_id, Status.COMPLETED)


def test_a_failure_is_told_with_its_code(services, engine):
    engine.errors[2] = StudioError.of("out_of_memory", "It does not fit.")

    async def draw():
        async with open_drawing(services.tasks, a_request(), "me", "openai") as drawing:
            await drawing.finished()

    with pytest.raises(StudioError, match="does not fit") as error:
        run(draw())
    assert error.value.code == "out_of_memory"


def test_who_waits_for_a_task_is_let_go_when_the_server_ends(services, engine):
    release = engine.pause_at(2)

    async def draw():
        async with open_drawing(services.tasks, a_request(), "me", "openai") as drawing:
            await asyncio.to_thread(engine.paused.wait, 10)
            services.tasks.end_streams()
            with pytest.raises(StudioError) as error:
                await Drawing(services.tasks, drawing.task_id).finished()
            return error.value.code

    assert run(draw()) == "interrupted"
    release()
