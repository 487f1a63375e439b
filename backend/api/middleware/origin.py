"""Protection against cross-site request forgery (CSRF)."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.errors import error_response

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({"same-origin", "none"})


class OriginGuard:
    """Refuses unsafe methods from pages of other origins.

    Browsers send `Sec-Fetch-Site` and `Origin`; a page can forge neither. Programs send none of them and pass: they
    carry nobody else's cookies.
    """

    def __init__(self, app: ASGIApp, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on when its method is safe or its origin is allowed."""
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
            return site in OWN_SITES
        return origin is None or origin.partition("://")[2] == headers.get("host")
