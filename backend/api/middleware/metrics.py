"""Metrics of requests: count, and time to the first byte."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.middleware.scope import route_path
from backend.services.system.metrics import Metrics

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestMeter:
    """Counts requests by route. Outside the other guards, so that it counts their refusals."""

    def __init__(self, app: ASGIApp, metrics: Metrics, api_prefix: str) -> None:
        self._app = app
        self._metrics = metrics
        self._api_prefix = api_prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and counts it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def send_and_count(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.on_request(method, self._route(scope), message["status"], time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, send_and_count)

    def _route(self, scope: Scope) -> str:
        """Returns the route's pattern. FastAPI leaves out the prefix of an included router."""
        pattern: str = getattr(scope.get("route"), "path", "unmatched")
        is_api = route_path(scope).startswith(f"{self._api_prefix}/") and not pattern.startswith(f"{self._api_prefix}/")
        return f"{self._api_prefix}{pattern}" if is_api and "route" in scope else pattern
