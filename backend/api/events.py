"""Server-sent events: a task's status at every change."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable

import anyio.to_thread
from fastapi import Response
from fastapi.responses import StreamingResponse

from backend.models.schemas import TaskStatus
from backend.services.errors import UnknownTask

KEEP_ALIVE_S = 15.0
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Look = Callable[[], TaskStatus]
Watch = Callable[[Callable[[], None]], Callable[[], None]]


async def stream_status(look: Look, watch: Watch, is_closing: Callable[[], bool], last_id: str | None) -> Response:
    """Answers with a stream of `status` events.

    An event's id is a digest of its data: a client that comes back with `Last-Event-ID` gets what it has missed, which
    is the newest status, or 204 when it has the last one.

    Raises:
        UnknownTask: there is no such task.
    """
    status = await anyio.to_thread.run_sync(look)
    if status.status.is_final and _digest(status.model_dump_json()) == last_id:
        return Response(status_code=204)
    return StreamingResponse(
        _events(look, watch, is_closing, last_id), media_type="text/event-stream", headers=_HEADERS
    )


async def _events(look: Look, watch: Watch, is_closing: Callable[[], bool], last_id: str | None) -> AsyncIterator[str]:
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
                yield f"event: status\nid: {last_id}\ndata: {data}\n\n"
            if status.status.is_final:
                return
            try:
                await asyncio.wait_for(changed.wait(), KEEP_ALIVE_S)
            except TimeoutError:
                yield ": still here\n\n"
    finally:
        unwatch()


def _digest(data: str) -> str:
    return hashlib.blake2b(data.encode(), digest_size=8).hexdigest()
