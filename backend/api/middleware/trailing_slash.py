"""Slashes at the end of paths: taken as if they were not there.

The framework would answer with a redirect to an absolute address, and behind a proxy that address is the wrong one.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.middleware.scope import route_path


class TrailingSlash:
    """Drops the slash at the end of a path. Among the first to see a request, so that all others see the same path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] == "http" and route_path(scope) != "/":
            scope["path"] = without_slash(scope["path"])
        await self._app(scope, receive, send)


def without_slash(path: str) -> str:
    """Returns a path without the slash at its end, unless that is all of it."""
    return path.removesuffix("/") or "/"
