"""Server-sent events: a task's status at every change."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import anyio.to_thread
from fastapi import Response
from fastapi.sse import KEEPALIVE_COMMENT, EventSourceResponse, format_sse_event

from backend.models.schemas import TaskStatus
from backend.services.errors import UnknownTask

KEEP_ALIVE_S = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Look = Callable[[], TaskStatus]
Watch = Callable[[Callable[[], None]], Callable[[], None]]


async def stream_status(look: Look, watch: Watch, is_closing: Callable[[], bool], last_id: str | None) -> Response:
    """Returns a stream of `status` events; 204 to a client that has the last one.

    An event's id is a digest of its data. A client that reconnects with `Last-Event-ID` gets the newest status.
    FastAPI's own streaming routes cannot answer 204, hence a response.

    Raises:
        UnknownTask: There is no such task.
    """
    status = await anyio.to_thread.run_sync(look)
    if status.status.is_final and _digest(status.model_dump_json()) == last_id:
        return Response(status_code=204)
    return EventSourceResponse(_events(look, watch, is_closing, last_id), headers=_HEADERS)


async def _events(
    look: Look, watch: Watch, is_closing: Callable[[], bool], last_id: str | None
) -> AsyncIterator[bytes]:
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        loop.call_soon_threadsafe(changed.set)

    unwatch = watch(wake)
    try:
        while not is_closing():
            changed.clear()
            try:
                status = await anyio.to_thread.run_sync(look)
            except UnknownTask:  # forgotten in the meantime
                return
            data = status.model_dump_json()
            if _digest(data) != last_id:
                last_id = _digest(data)
                yield format_sse_event(event="status", id=last_id, data_str=data)
            if status.status.is_final:
                return
            try:
                await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield KEEPALIVE_COMMENT
    finally:
        unwatch()


def _digest(data: str) -> str:
    return hashlib.blake2b(data.encode(), digest_size=8).hexdigest()
