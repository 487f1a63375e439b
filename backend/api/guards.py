"""Who may talk to this server: middleware that answers before any route is reached."""

from __future__ import annotations

import base64
import binascii
import hmac

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import error_response

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class HostGuard:
    """Refuses names other than this machine's own: a web page cannot reach a loopback server by DNS rebinding."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when its Host header names the loopback."""
        if scope["type"] == "http" and not _names_loopback(Headers(scope=scope).get("host", "")):
            response = error_response(
                421, "wrong_host", "This server answers to localhost, 127.0.0.1 and [::1] only; see ZIMAGE_HOST."
            )
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _names_loopback(host: str) -> bool:
    name, separator, port = host.rpartition(":")
    if separator and port.isdigit():
        host = name
    return host.lower() in _LOOPBACK_NAMES


class TokenGuard:
    """Asks for the token: as `Authorization: Bearer`, or as the password of a browser's own prompt (Basic)."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it carries the token; /health needs none."""
        if scope["type"] != "http" or scope["path"] == "/health" or self._is_allowed(Headers(scope=scope)):
            await self._app(scope, receive, send)
            return
        response = error_response(
            401,
            "unauthorized",
            "A token is needed: send `Authorization: Bearer <token>`, or give it as the password.",
            headers={"WWW-Authenticate": 'Basic realm="Z-Image", charset="UTF-8"'},
        )
        await response(scope, receive, send)

    def _is_allowed(self, headers: Headers) -> bool:
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return hmac.compare_digest(credentials.strip().encode(), self._token)
        if scheme.lower() == "basic":
            return hmac.compare_digest(_password(credentials), self._token)
        return False


def _password(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
