"""Who may talk to this server: middleware that answers before any route is reached."""

from __future__ import annotations

import base64
import binascii
import hmac
import math
import time
from collections.abc import Callable, Collection, Mapping
from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.dependencies import CLIENT_KEY
from backend.api.errors import error_response

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OPEN_PATHS = frozenset({"/health", "/health/ready"})
_API_POLICY = "default-src 'none'; frame-ancestors 'none'"
_DOCS_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "worker-src 'self' blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
UI_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' blob: data:; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-site",
}
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class HostGuard:
    """Keeps a server without a token to this machine.

    It refuses names other than this machine's own, so that a web page cannot reach a loopback server by DNS rebinding;
    and connections to another address than the loopback, for whoever started it with an address that the settings do
    not know (`uvicorn backend.main:app --host 0.0.0.0`).
    """

    def __init__(self, app: ASGIApp, *, has_tokens: bool = False) -> None:
        self._app = app
        self._has_tokens = has_tokens

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when its Host header names the loopback and it came in there."""
        if scope["type"] == "http":
            is_named = _names_loopback(Headers(scope=scope).get("host", ""))
            if not is_named or not (self._has_tokens or _came_in_on_loopback(scope)):
                message = (
                    "This server answers to localhost, 127.0.0.1 and [::1] only; to reach it from other machines, set "
                    "ZIMAGE_HOST and ZIMAGE_API_TOKEN."
                )
                await error_response(421, "wrong_host", message)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _names_loopback(host: str) -> bool:
    name, separator, port = host.rpartition(":")
    if separator and port.isdigit():
        host = name
    return host.lower() in _LOOPBACK_NAMES


def _came_in_on_loopback(scope: Scope) -> bool:
    """A server that does not tell its address (a Unix socket, a test) has none that others could reach."""
    address = (scope.get("server") or ("", None))[0]
    try:
        own = ip_address(address)
    except ValueError:  # no address of a network
        return True
    return (getattr(own, "ipv4_mapped", None) or own).is_loopback  # ::ffff:127.0.0.1, where a socket serves both


class OriginGuard:
    """Refuses requests that change something when a page of another origin sends them (CSRF).

    Browsers say where a request comes from in `Sec-Fetch-Site` and `Origin`, and a page can forge neither. Programs
    send none of them, and are no danger: they do not carry somebody else's rights.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it changes nothing or comes from our own pages."""
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS or self._is_ours(scope):
            await self._app(scope, receive, send)
            return
        message = "This server takes changes from its own pages only; ZIMAGE_CORS_ORIGINS lists others."
        await error_response(403, "wrong_origin", message)(scope, receive, send)

    def _is_ours(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        if origin in self._origins:
            return True
        if site is not None:
            return site in ("same-origin", "none")
        return origin is None or origin.partition("://")[2] == headers.get("host")


class SecurityHeaders:
    """Adds the headers that tell a browser to trust an answer with as little as possible."""

    def __init__(self, app: ASGIApp, policy: str = _API_POLICY) -> None:
        self._app = app
        self._policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and adds to its answer."""
        path = scope.get("path", "")
        policy = _DOCS_POLICY if path.startswith(("/docs", "/redoc")) else self._policy

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class TokenGuard:
    """Asks for a token: as `Authorization: Bearer`, or as the password of a browser's own prompt (Basic)."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it carries a token, and notes whose; the health needs none."""
        if scope["type"] != "http" or scope["path"] in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else ""
        wait_s = self._door.seconds_to_wait(address)
        if wait_s is not None:
            message = "Too many wrong tokens came from this address; try again later."
            headers = {"Retry-After": str(wait_s)}
            await error_response(429, "too_many_attempts", message, headers=headers)(scope, receive, send)
            return
        credentials = _credentials(Headers(scope=scope).get("authorization", ""))
        name = self._door.name_of(credentials, address)
        if name is not None:
            await self._app({**scope, CLIENT_KEY: name}, receive, send)
            return
        response = error_response(
            401,
            "unauthorized",
            "A token is needed: send `Authorization: Bearer <token>`, or give it as the password.",
            headers={"WWW-Authenticate": 'Basic realm="Z-Image", charset="UTF-8"'},
        )
        await response(scope, receive, send)


class Door:
    """Knows the tokens, and who has tried wrong ones too often."""

    MAX_FAILURES = 10
    WINDOW_S = 60.0
    _MAX_ADDRESSES = 10_000

    def __init__(self, tokens: Mapping[str, str], monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tokens = {name: token.encode() for name, token in tokens.items()}
        self._monotonic = monotonic
        self._failures: dict[str, list[float]] = {}

    def name_of(self, credentials: bytes, address: str) -> str | None:
        """Returns whose token this is, or None; every token is compared, so that the time tells nothing."""
        found = [name for name, token in self._tokens.items() if hmac.compare_digest(credentials, token)]
        if not found and credentials:
            self._note_failure(address)
        return found[0] if found else None

    def seconds_to_wait(self, address: str) -> int | None:
        """Returns how long an address has to wait before it may try again; None when it may."""
        recent = [moment for moment in self._failures.get(address, ()) if self._monotonic() - moment < self.WINDOW_S]
        if len(recent) < self.MAX_FAILURES:
            return None
        return max(1, math.ceil(recent[0] + self.WINDOW_S - self._monotonic()))

    def _note_failure(self, address: str) -> None:
        if address not in self._failures and len(self._failures) >= self._MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = [*self._failures.get(address, ()), self._monotonic()][-self.MAX_FAILURES :]


def _credentials(authorization: str) -> bytes:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    return _password(value) if scheme.lower() == "basic" else b""


def _password(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
