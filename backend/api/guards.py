"""Who may talk to this server: middleware that answers before any route is reached."""

from __future__ import annotations

import base64
import binascii
import logging
from collections.abc import Collection, Container
from functools import lru_cache
from http import HTTPStatus
from ipaddress import ip_address

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.dependencies import CLIENT_KEY, client_address
from backend.api.errors import error_response, internal_error, present_error
from backend.api.headers import read_header
from backend.services.door import Door
from backend.services.errors import StudioError, WrongToken
from backend.services.sessions import Sessions

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OPEN_PATHS = frozenset({"/health", "/health/ready"})
_OWN_SITES = frozenset({"same-origin", "none"})
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
    """A server that does not tell its address (a Unix socket, a test) has none that others could reach."""
    return _is_own_address((scope.get("server") or ("", None))[0])


@lru_cache(maxsize=64)
def _is_own_address(address: str) -> bool:
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
        if scope["type"] != "http" or scope["method"] in SAFE_METHODS or self._is_ours(scope):
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
            return site in _OWN_SITES
        return origin is None or origin.partition("://")[2] == headers.get("host")


RawHeaders = tuple[tuple[bytes, bytes], ...]


def _raw_headers(policy: str) -> RawHeaders:
    """Names in lower case, as they stand in a message."""
    headers = {**_HEADERS, "Content-Security-Policy": policy}
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())


API_HEADERS = _raw_headers(_API_POLICY)
_DOCS_HEADERS = _raw_headers(_DOCS_POLICY)


class SecurityHeaders:
    """Adds the headers that tell a browser to trust an answer with as little as possible."""

    def __init__(self, app: ASGIApp, policy: str = _API_POLICY) -> None:
        self._app = app
        self._headers = _raw_headers(policy)
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on and adds to its answer what that does not say itself."""
        ours = _DOCS_HEADERS if scope.get("path", "").startswith(("/docs", "/redoc")) else self._headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                theirs = message.get("headers", ())
                said = self._names.intersection([name for name, _ in theirs])
                message["headers"] = [*theirs, *(_except(ours, said) if said else ours)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _except(headers: RawHeaders, names: Container[bytes]) -> RawHeaders:
    return tuple(header for header in headers if header[0] not in names)


class FaultGuard:
    """Answers to what no route has caught; it stands inside the other guards, so that a 500 has all their headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; half an answer is left as it is, and the server cuts the connection."""
        began = False

        async def send_and_watch(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_watch)
        except Exception as error:
            if began:
                raise
            logger.error("unexpected %s", type(error).__name__, exc_info=error)
            await internal_error()(scope, receive, send)


class TokenGuard:
    """Asks for a token: as `Authorization: Bearer`, as the password of a browser's own prompt, or a session's cookie.

    It notes in the scope whose token it was. The address of the session itself is open, so that one can log in.
    """

    def __init__(self, app: ASGIApp, door: Door, sessions: Sessions, session_path: str, cookie: str) -> None:
        self._app = app
        self._door = door
        self._sessions = sessions
        self._session_path = session_path
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it carries a token, or needs none."""
        if scope["type"] == "http" and scope["path"] not in OPEN_PATHS:
            try:
                scope[CLIENT_KEY] = self._name_of(HTTPConnection(scope))
            except StudioError as error:
                await _refusal(error, HTTPConnection(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _name_of(self, connection: HTTPConnection) -> str | None:
        name = self._sessions.name_of(_session_secret(connection, self._cookie))
        if name is not None:
            return name
        token = _token(connection.headers.get("authorization", ""))
        is_open = connection.scope["path"] == self._session_path
        if token or not is_open:
            name = self._door.name_of(token, client_address(connection))
        if name is None and not is_open:
            raise WrongToken("A token is needed: send `Authorization: Bearer <token>`, or log in with the browser UI.")
        return name


def _session_secret(connection: HTTPConnection, cookie: str) -> str:
    """The cookie counts for our own pages only: one of another port of this host would bring it along, too."""
    is_own = connection.headers.get("sec-fetch-site", "none") in _OWN_SITES
    return connection.cookies.get(cookie, "") if is_own else ""


def _refusal(error: StudioError, connection: HTTPConnection) -> JSONResponse:
    response = present_error(error)
    if response.status_code == HTTPStatus.UNAUTHORIZED and "text/html" in connection.headers.get("accept", ""):
        # a person who opens /docs is asked for a password; for what a page fetches, that would cover its own login
        response.headers["WWW-Authenticate"] = 'Basic realm="Z-Image", charset="UTF-8"'
    return response


def _token(authorization: str) -> bytes:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip().encode()
    return _password(value) if scheme.lower() == "basic" else b""


def _password(credentials: str) -> bytes:
    try:
        return base64.b64decode(credentials, validate=True).partition(b":")[2]
    except (binascii.Error, ValueError):
        return b""
