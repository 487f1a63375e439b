"""How many ranges of a file one request may ask for."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.middleware.scope import read_header

MAX_RANGES = 8


class RangeGuard:
    """Forgets a Range header that asks for many pieces: the whole file is served instead, which is allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, perhaps without its ranges."""
        if scope["type"] == "http" and read_header(scope, b"range").count(",") >= MAX_RANGES:
            scope["headers"] = list(scope["headers"])
            del MutableHeaders(scope=scope)["range"]
        await self._app(scope, receive, send)
