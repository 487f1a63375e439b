"""Limit on the number of ranges in a Range header."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.middleware.scope import read_header

MAX_RANGES = 8


class RangeGuard:
    """Ignores a Range header with many ranges; the whole file is served, as HTTP allows."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, without a Range header of many ranges."""
        if scope["type"] == "http" and read_header(scope, b"range").count(",") >= MAX_RANGES:
            scope["headers"] = list(scope["headers"])
            del MutableHeaders(scope=scope)["range"]
        await self._app(scope, receive, send)
