"""Answers that grow while a task is drawn."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

T = TypeVar("T")


class HeldStream(StreamingResponse):
    """A stream that lets go of what it holds when it ends, also before its first part, and whoever ends it."""

    def __init__(
        self,
        content: AsyncIterator[bytes],
        held: contextlib.AsyncExitStack,
        media_type: str,
        headers: Mapping[str, str],
    ) -> None:
        super().__init__(content, media_type=media_type, headers={"Cache-Control": "no-store", **headers})
        self.headers["X-Accel-Buffering"] = "no"
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the stream."""
        async with self._held:
            await super().__call__(scope, receive, send)


async def with_pauses(items: AsyncIterator[T], pause_s: float) -> AsyncIterator[T | None]:
    """Yields items, and None whenever there was none for some seconds."""
    waiting: asyncio.Future[T] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(items))
            done, _ = await asyncio.wait((waiting,), timeout=pause_s)
            if not done:
                yield None
                continue
            finished, waiting = waiting, None
            try:
                item = finished.result()
            except StopAsyncIteration:
                return
            yield item
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
