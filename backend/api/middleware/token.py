"""Authentication by access token or session cookie."""

from __future__ import annotations

import base64
import binascii
from http import HTTPStatus

from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.deps import CLIENT_KEY, client_address
from backend.api.errors import present_error
from backend.api.middleware.origin import OWN_SITES
from backend.api.middleware.scope import route_path
from backend.services.access.access_tokens import AccessTokens
from backend.services.access.links import SignedLinks
from backend.services.access.sessions import Sessions
from backend.services.errors import StudioError, WrongToken

OPEN_PATHS = frozenset({"/health", "/health/ready"})


class TokenGuard:
    """Requires a token: `Authorization: Bearer`, the password of HTTP Basic, a session cookie, or a signed address.

    The token's name is put into the scope. The path of the session itself is open, for logging in.
    """

    def __init__(
        self,
        app: ASGIApp,
        access_tokens: AccessTokens,
        sessions: Sessions,
        session_path: str,
        cookie: str,
        links: SignedLinks | None = None,
    ) -> None:
        self._app = app
        self._access_tokens = access_tokens
        self._sessions = sessions
        self._session_path = session_path
        self._cookie = cookie
        self._links = links or SignedLinks()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when it has a valid token or needs none."""
        if scope["type"] == "http" and route_path(scope) not in OPEN_PATHS and not self._is_signed(scope):
            try:
                scope[CLIENT_KEY] = self._name_of(HTTPConnection(scope))
            except StudioError as error:
                await _refusal(error, HTTPConnection(scope))(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_signed(self, scope: Scope) -> bool:
        query = scope.get("query_string", b"").decode("latin-1")
        return scope["method"] in ("GET", "HEAD") and self._links.opens(route_path(scope), query)

    def _name_of(self, connection: HTTPConnection) -> str | None:
        name = self._sessions.name_of(_session_secret(connection, self._cookie))
        if name is not None:
            return name
        token = _token(connection.headers.get("authorization", ""))
        is_open = route_path(connection.scope) == self._session_path
        if token or not is_open:
            name = self._access_tokens.name_of(token, client_address(connection))
        if name is None and not is_open:
            raise WrongToken("A token is needed: send `Authorization: Bearer <token>`, or log in with the browser UI.")
        return name


def _session_secret(connection: HTTPConnection, cookie: str) -> str:
    """Returns the session cookie of our own pages; pages of this host's other ports send it, too."""
    is_own = connection.headers.get("sec-fetch-site", "none") in OWN_SITES
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
