"""Security headers."""

from __future__ import annotations

from collections.abc import Container

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.middleware.scope import route_path

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


RawHeaders = tuple[tuple[bytes, bytes], ...]


def _raw_headers(policy: str) -> RawHeaders:
    """Names in lower case, as they stand in a message."""
    headers = {**_HEADERS, "Content-Security-Policy": policy}
    return tuple((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items())


API_HEADERS = _raw_headers(_API_POLICY)
_DOCS_HEADERS = _raw_headers(_DOCS_POLICY)


class SecurityHeaders:
    """Adds security headers to every response."""

    def __init__(self, app: ASGIApp, policy: str = _API_POLICY) -> None:
        self._app = app
        self._headers = _raw_headers(policy)
        self._names = frozenset(name for name, _ in self._headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; adds the headers that its response lacks."""
        ours = _DOCS_HEADERS if route_path(scope).startswith(("/docs", "/redoc")) else self._headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                theirs = message.get("headers", ())
                said = self._names.intersection([name for name, _ in theirs])
                message["headers"] = [*theirs, *(_except(ours, said) if said else ours)]
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _except(headers: RawHeaders, names: Container[bytes]) -> RawHeaders:
    return tuple(header for header in headers if header[0] not in names)
