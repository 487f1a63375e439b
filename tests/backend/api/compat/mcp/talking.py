"""Real clients of MCP, and a real server on the loopback."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx2
from fastapi import FastAPI
from mcp import types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from backend.embedded import serve_embedded
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

ERAS = ("legacy", "2026-07-28")
"""With a handshake and sessions, and without."""


@contextlib.contextmanager
def serving(
    settings: Settings, engine: FakeEngine, apps: list[FastAPI] | None = None, **changes: Any
) -> Iterator[tuple[str, str]]:
    """Serves an application with a fake engine, which it adds to a list; yields its address and token."""

    def make(embedded: Settings, tasks_file: Path) -> FastAPI:
        names = ("host", "port", "web_port", "api_token")
        own = settings.model_copy(update={**{name: getattr(embedded, name) for name in names}, **changes})
        app = create_app(own, lambda: engine, hardware=lambda: PLAIN_CPU, tasks_file=tasks_file)
        if apps is not None:
            apps.append(app)
        return app

    with serve_embedded(make) as server:
        yield server.url, server.token


@contextlib.asynccontextmanager
async def connected(url: str, token: str, mode: str = "legacy", **headers: str) -> AsyncIterator[Client]:
    """Opens a client over streamable HTTP."""
    own = {"Authorization": f"Bearer {token}", **headers}
    async with httpx2.AsyncClient(headers=own, trust_env=False, timeout=30) as http:
        async with Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client:
            yield client


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(coroutine, 30))


def of_kind(result: types.CallToolResult, kind: type[Any]) -> list[Any]:
    return [block for block in result.content if isinstance(block, kind)]


def text_of(result: types.CallToolResult) -> str:
    return of_kind(result, types.TextContent)[0].text


Talk = Callable[[Client], Coroutine[Any, Any, Any]]
