"""HTTP protocol of uvicorn, with our error body and a limit on the request's head."""

from __future__ import annotations

import asyncio
import re

from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.api.errors import error_response
from backend.api.middleware.headers import API_HEADERS

MAX_HEAD_BYTES = 64 * 2**10
"""Largest request line and headers together, give or take one read of the socket."""


_UPGRADE = b"upgrade:"
_OFFER = re.compile(rb"\r\nUpgrade:[ \t]*h2c[ \t]*(?=\r\n|$)", re.IGNORECASE)


def choose_protocol() -> type[asyncio.Protocol]:
    """Returns the protocol class: httptools', at a tenth of the cost, else h11's."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return PlainProtocol

    class FastProtocol(HttpToolsProtocol):
        """Limits the head of a request, and ignores offers of HTTP/2; h11 does both by itself."""

        _head_bytes = 0
        _in_head = True
        _held = b""
        _at_line_start = False

        def on_message_begin(self) -> None:
            self._head_bytes, self._in_head = 0, True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()

        def on_message_complete(self) -> None:
            self._head_bytes, self._in_head, self._at_line_start = 0, True, False  # of the next one
            super().on_message_complete()

        def data_received(self, data: bytes) -> None:
            self._head_bytes += len(data)
            if self._in_head:
                data, self._held, self._at_line_start = without_offer(self._held + data, self._at_line_start)
            if data:
                super().data_received(data)
            if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — the parser's words are no help
            refuse(self.transport)

    return FastProtocol


def without_offer(data: bytes, at_line_start: bool) -> tuple[bytes, bytes, bool]:
    """Drops `Upgrade: h2c` from a head, at which the parser would take the body for another protocol's.

    Args:
        data: The next bytes of a head, with what was held back before.
        at_line_start: Whether a line begins with them.

    Returns:
        What to parse; what to hold back until more has come, since it may become that header; and whether a line
        begins behind what is to be parsed.
    """
    before = b"\r\n" if at_line_start else b""
    head, end, rest = (before + data).partition(b"\r\n\r\n")
    if end:
        return (_OFFER.sub(b"", head) + end + rest)[len(before) :], b"", False
    lines, newline, line = head.rpartition(b"\r\n")
    held = b""
    if newline and line and line[: len(_UPGRADE)].lower() == _UPGRADE[: len(line)]:
        head, held = lines + newline, line
    elif head.endswith(b"\r"):
        head, held = head[:-1], b"\r"
    head = _OFFER.sub(b"", head)
    return head[len(before) :], held, head.endswith(b"\r\n")


class PlainProtocol(H11Protocol):
    """Protocol without a compiled library."""

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — the parser's words are no help
        """Answers a malformed request."""
        refuse(self.transport)


def refuse(transport: asyncio.Transport) -> None:
    """Answers a malformed request with the common error body, and closes the connection."""
    response = error_response(400, "bad_request", "Malformed HTTP request.")
    head = [*response.raw_headers, *API_HEADERS, (b"connection", b"close")]
    lines = b"".join(b"%s: %s\r\n" % header for header in head)
    transport.write(b"HTTP/1.1 400 Bad Request\r\n%s\r\n%s" % (lines, bytes(response.body)))
    transport.close()
