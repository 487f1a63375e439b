"""Sends messages to a middleware without a server."""

from __future__ import annotations

import asyncio
from typing import Any


def run(
    guard: Any, messages: list[dict[str, Any]], headers: dict[str, str] | None = None, path: str = "/"
) -> list[dict[str, Any]]:
    """Sends messages to a guard; when they are used up, nothing comes any more."""
    sent: list[dict[str, Any]] = []
    queue = list(messages)

    async def receive() -> dict[str, Any]:
        if queue:
            return queue.pop(0)
        await asyncio.sleep(60)
        raise AssertionError

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in (headers or {"transfer-encoding": "chunked"}).items()]
    asyncio.run(guard({"type": "http", "method": "POST", "path": path, "headers": raw}, receive, send))
    return sent
