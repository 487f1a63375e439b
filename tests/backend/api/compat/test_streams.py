"""Streams that hold something."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from backend.api.compat.streams import HeldStream, with_pauses


def test_a_pause_is_told_and_nothing_is_lost():
    async def items():
        yield 1
        await asyncio.sleep(0.2)
        yield 2

    async def collect():
        return [item async for item in with_pauses(items(), 0.05)]

    found = asyncio.run(collect())
    assert [item for item in found if item is not None] == [1, 2]
    assert found[0] == 1
    assert None in found


def test_what_waits_ends_with_who_listens():
    ended = []

    async def items():
        try:
            await asyncio.sleep(60)
            yield 1
        finally:
            ended.append(True)

    async def main():
        listening = with_pauses(items(), 0.01)
        assert await anext(listening) is None
        await listening.aclose()

    asyncio.run(main())
    assert ended == [True]


def test_an_error_of_the_items_is_passed_on():
    async def items():
        yield 1
        raise ValueError("no")

    async def collect():
        return [item async for item in with_pauses(items(), 1)]

    with pytest.raises(ValueError, match="no"):
        asyncio.run(collect())


@pytest.mark.parametrize("fails_at", ["http.response.start", "http.response.body", None])
def test_a_stream_lets_go_whoever_ends_it(fails_at):
    let_go = []

    async def content():
        yield b"a"

    async def send(message):
        if message["type"] == fails_at:
            raise OSError("gone")

    async def receive():
        await asyncio.sleep(60)

    async def main():
        stack = contextlib.AsyncExitStack()
        stack.callback(let_go.append, True)
        stream = HeldStream(content(), stack, "text/event-stream", {"X-A": "b"})
        assert stream.headers["x-a"] == "b"
        with contextlib.suppress(Exception):
            await stream({"type": "http", "asgi": {"spec_version": "2.3"}}, receive, send)

    asyncio.run(main())
    assert let_go == [True]
