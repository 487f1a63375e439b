"""Checks of the Host header and of the local address of a connection."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import error_response
from backend.api.middleware.scope import read_header

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class HostGuard:
    """Keeps a server without a token to this machine.

    It refuses Host headers other than the loopback's, against DNS rebinding. It refuses connections to other addresses,
    for a server started past the settings (`uvicorn backend.main:app --host 0.0.0.0`).
    """

    def __init__(self, app: ASGIApp, *, has_tokens: bool = False) -> None:
        self._app = app
        self._has_tokens = has_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when its Host and its connection are the loopback's."""
        if scope["type"] == "http":
            is_named = _names_loopback(read_header(scope, b"host"))
            if not is_named or not (self._has_tokens or _came_in_on_loopback(scope)):
                message = (
                    "This server answers to localhost, 127.0.0.1 and [::1] only; to reach it from other machines, set "
                    "ZIMAGE_HOST and ZIMAGE_API_TOKEN."
                )
                await error_response(421, "wrong_host", message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


@lru_cache(maxsize=64)  # there are few, and each request asks
def _names_loopback(host: str) -> bool:
    name, separator, port = host.rpartition(":")
    if separator and port.isdigit():
        host = name
    return host.lower() in _LOOPBACK_NAMES


def _came_in_on_loopback(scope: Scope) -> bool:
    """Tells whether the local address is the loopback; a Unix socket or a test has no address."""
    return _is_own_address((scope.get("server") or ("", None))[0])


@lru_cache(maxsize=64)
def _is_own_address(address: str) -> bool:
    try:
        own = ip_address(address)
    except ValueError:  # no address of a network
        return True
    return (getattr(own, "ipv4_mapped", None) or own).is_loopback  # ::ffff:127.0.0.1, where a socket serves both
