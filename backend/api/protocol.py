"""HTTP protocol of uvicorn, with our error body and a limit on the request's head."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from backend.api.errors import error_response
from backend.api.middleware.headers import API_HEADERS

MAX_HEAD_BYTES = 64 * 2**10
"""Largest request line and headers together, give or take one read of the socket."""


def choose_protocol() -> type[asyncio.Protocol]:
    """Returns the protocol class: httptools', at a tenth of the cost, else h11's."""
    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
    except ImportError:
        return PlainProtocol

    class FastProtocol(HttpToolsProtocol):
        """Limits the head of a request; h11 does so by itself."""

        _head_bytes = 0
        _in_head = True

        def on_message_begin(self) -> None:
            self._head_bytes, self._in_head = 0, True
            super().on_message_begin()

        def on_headers_complete(self) -> None:
            self._in_head = False
            super().on_headers_complete()

        def data_received(self, data: bytes) -> None:
            self._head_bytes += len(data)
            super().data_received(data)
            if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("The head of the request is too large.")

        def send_400_response(self, msg: str) -> None:  # noqa: ARG002 — the parser's words are no help
            refuse(self.transport)

    return FastProtocol


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
