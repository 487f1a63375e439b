"""Limits on a request's body: its size, its time to arrive, and that it comes as it is."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import error_response
from backend.api.middleware.scope import read_header, route_path

BODY_TIMEOUT_S = 30.0
SLOWEST_BYTES_PER_S = 256 * 2**10
"""Lowest rate at which a body of the largest size still arrives in time."""


COMPRESSED = "The body has a Content-Encoding; send it as it is, not compressed."

_MAX_DIGITS = 18
_BODY_HEADERS = frozenset({b"content-length", b"transfer-encoding"})


class BodyGuard:
    """Refuses bodies that are too large, too slow or compressed.

    The limit holds for the bytes that a route reads, not only for the declared length.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int,
        max_upload_bytes: Mapping[str, int],
        timeout_s: float = BODY_TIMEOUT_S,
    ) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._max_upload_bytes = max_upload_bytes
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on with a limited body."""
        if scope["type"] != "http" or not _has_body(scope):
            await self._app(scope, receive, send)
            return
        if read_header(scope, b"content-encoding").strip().lower() not in ("", "identity"):
            await _encoded()(scope, receive, send)
            return
        limit = self._max_upload_bytes.get(route_path(scope), self._max_bytes)
        if _declared_bytes(read_header(scope, b"content-length")) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        body = _Body(receive, send, limit, self._timeout_s)
        with contextlib.suppress(_BodyFault):
            await self._app(scope, body.receive, body.send)
        if body.fault is not None and not body.answered:
            await body.fault(scope, receive, send)


def _has_body(scope: Scope) -> bool:
    """Tells whether a request has a body; without these headers it has none."""
    return any(name in _BODY_HEADERS for name, _ in scope["headers"])


def _declared_bytes(text: str) -> float:
    """Returns the declared size; 0 for what is no number, since the bytes are counted anyway."""
    if not text.isdecimal():
        return 0
    return int(text) if len(text) <= _MAX_DIGITS else math.inf


class _BodyFault(Exception):
    """The body is too large or too slow. The framework may catch it and answer itself."""


class _Body:
    """Counts a body while it is read. After a fault, the route's response is dropped."""

    def __init__(self, receive: Receive, send: Send, limit: int, timeout_s: float) -> None:
        self._receive = receive
        self._send = send
        self._limit = limit
        self._left = limit
        self._timeout_s = timeout_s + limit / SLOWEST_BYTES_PER_S
        self._deadline: float | None = None
        self._complete = False
        self.answered = False
        self.fault: ASGIApp | None = None

    async def receive(self) -> Message:
        if self._complete:  # from here on it waits for the client to go away, which may take any time
            return await self._receive()
        try:
            async with asyncio.timeout_at(self._deadline_of_all()):
                message = await self._receive()
        except TimeoutError:
            self.fault = _too_slow(self._timeout_s)
            raise _BodyFault from None
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.fault = _too_large(self._limit)
            raise _BodyFault
        self._complete = not message.get("more_body", False)
        return message

    def _deadline_of_all(self) -> float:
        """Returns the deadline of the whole body, so that a byte now and then cannot hold the connection."""
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._timeout_s
        return self._deadline

    async def send(self, message: Message) -> None:
        if self.fault is None or self.answered:
            self.answered = True
            await self._send(message)


def _too_large(limit: int) -> ASGIApp:
    message = f"The body is larger than {limit:,} bytes."
    return error_response(413, "too_large", message, headers={"Connection": "close"})


def _encoded() -> ASGIApp:
    headers = {"Accept-Encoding": "identity", "Connection": "close"}
    return error_response(415, "unsupported_media_type", COMPRESSED, headers=headers)


def _too_slow(timeout_s: float) -> ASGIApp:
    message = f"The body did not arrive within {timeout_s:.0f} seconds."
    return error_response(408, "request_timeout", message, headers={"Connection": "close"})
