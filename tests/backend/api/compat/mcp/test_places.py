"""Where a process without a server of its own draws."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from backend.api.compat.mcp.places import Places
from backend.embedded import Embedded, EmbeddedFailed
from backend.models.config import Settings
from backend.services.errors import StudioError
from tests.backend.api.compat.mcp.talking import run, serving
from tests.backend.fakes import FakeEngine, wait_until

BODY = {"prompt": "a fox", "width": 256, "height": 256}


class Own:
    """A studio of this process that counts how often it is started and whether it runs."""

    def __init__(self, settings: Settings, engine: FakeEngine) -> None:
        self._settings, self._engine = settings, engine
        self.starts = 0
        self.runs = False

    @contextlib.contextmanager
    def __call__(self) -> Iterator[Embedded]:
        self.starts += 1
        with serving(self._settings, self._engine) as (url, token):
            self.runs = True
            try:
                yield Embedded(url, token)
            finally:
                self.runs = False


@pytest.fixture
def own(settings: Settings, engine: FakeEngine) -> Own:
    return Own(settings, engine)


@pytest.fixture
def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}"


async def draw(places: Places) -> str:
    async with places.open() as studio, studio.drawing(BODY) as changes:
        return [task.status async for task in changes][-1]


def test_it_begins_with_the_first_call_and_ends_with_the_process(own, nobody):
    async def talk():
        async with Places(nobody, serve=own) as places:
            before = own.starts
            first, second = await asyncio.gather(draw(places), draw(places))
            return before, first, second, own.runs

    assert run(talk()) == (0, "completed", "completed", True)
    assert own.starts == 1
    assert not own.runs


def test_it_ends_when_it_is_idle_and_begins_anew(own, nobody):
    async def talk():
        async with Places(nobody, serve=own, idle_s=0.05) as places:
            await draw(places)
            await asyncio.to_thread(wait_until, lambda: not own.runs)
            return await draw(places)

    assert run(talk()) == "completed"
    assert own.starts == 2


def test_a_server_that_runs_is_asked_before(own, settings: Settings, engine: FakeEngine, monkeypatch):
    with serving(settings, engine) as (url, token):
        monkeypatch.setenv("ZIMAGE_API_TOKEN", token)

        async def talk():
            async with Places(url, serve=own) as places:
                return await draw(places)

        assert run(talk()) == "completed"
    assert own.starts == 0


def test_a_call_that_is_left_cancels_its_task(own, nobody, engine: FakeEngine):
    go_on = engine.pause_at(2)

    async def talk():
        async with Places(nobody, serve=own) as places:
            call = asyncio.ensure_future(draw(places))
            await asyncio.to_thread(engine.paused.wait, 10)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            async with places.open() as studio:
                [task] = await studio.tasks()
                go_on()
                return (await studio.wait(task.task_id, 10)).status

    assert run(talk()) == "cancelled"


def test_the_end_cuts_off_what_is_drawn(own, nobody, engine: FakeEngine):
    go_on = engine.pause_at(2)

    async def talk():
        places = Places(nobody, serve=own)
        call = asyncio.ensure_future(draw(places))
        await asyncio.to_thread(engine.paused.wait, 10)
        asyncio.get_running_loop().call_later(0.2, go_on)
        await places.end()
        await asyncio.gather(call, return_exceptions=True)

    run(talk())
    assert engine.decoded == []
    assert not own.runs


def test_a_folder_that_another_process_has_is_an_error_with_a_way_out(nobody):
    @contextlib.contextmanager
    def taken() -> Iterator[Embedded]:
        raise EmbeddedFailed("The data folder is in use by another running Z-Image, or choose one with --data-dir.")
        yield

    async def talk():
        async with Places(nobody, serve=taken) as places:
            await draw(places)

    with pytest.raises(StudioError, match=r"in use.*--server"):
        run(talk())


def test_errors_of_a_server_are_the_domain_s(own, nobody):
    async def talk():
        async with Places(nobody, serve=own) as places, places.open() as studio:
            found = []
            for work in (
                studio.task("0" * 32),
                studio.png("0" * 32),
                studio.submit({**BODY, "width": 250}),
                studio.keep(b""),
            ):
                with pytest.raises(StudioError) as refused:
                    await work
                found.append((refused.value.code, str(refused.value)))
            return found

    found = run(talk())
    assert [code for code, _ in found] == ["not_found", "not_found", "validation_error", "unreadable_image"]
    assert "width" in found[2][1]
