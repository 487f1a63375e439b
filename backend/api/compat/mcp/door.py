"""The door itself: one path, and what its errors look like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from backend.api.compat.door import Door
from backend.api.compat.mcp.endpoint import McpEndpoint
from backend.models.schemas import ErrorDetail

PATH = "/mcp"
_REFUSED = -32000
"""Of JSON-RPC: the first code of a server's own."""


class _Path:
    """The path's application, whichever application it belongs to."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        endpoint: McpEndpoint = scope["app"].state.mcp
        await endpoint(scope, receive, send)


def translate_error(status: int, error: ErrorDetail) -> tuple[int, Mapping[str, object]]:
    """Returns an error of a guard as JSON-RPC has it."""
    return status, {"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": error.message}}


@asynccontextmanager
async def sessions(app: FastAPI) -> AsyncIterator[None]:
    """Ends the sessions with the application."""
    app.state.mcp = McpEndpoint(app.state.services)
    try:
        yield
    finally:
        await app.state.mcp.close()


MCP = Door(
    name="mcp",
    prefix=PATH,
    router=APIRouter(routes=[Route(PATH, _Path(), include_in_schema=False)]),
    is_on=lambda settings: settings.mcp,
    translate_error=translate_error,
    upload_paths=(PATH,),
    lifespan=sessions,
)
