"""Origin of the browser UI: the built single-page app, and the API under its prefix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.compat.doors import open_doors
from backend.api.middleware.faults import FaultGuard
from backend.api.middleware.headers import UI_POLICY, SecurityHeaders
from backend.api.middleware.host import HostGuard
from backend.api.middleware.root_path import RootPath
from backend.api.middleware.scope import route_path
from backend.api.middleware.trailing_slash import without_slash
from backend.models.config import Settings, is_loopback

_API_PATHS = ("/health", "/health/ready", "/docs", "/redoc", "/openapi.json")
_ASSETS = "/assets/"
_NOT_BUILT = "The browser UI is not built yet. Run ./start.sh (or start.bat), which builds it."


class WebApp:
    """Routes API paths to the API, and everything else to the UI's files.

    The files hold no secret, and need no token: the login page is one of them.
    """

    def __init__(self, api: ASGIApp, settings: Settings) -> None:
        self._api = api
        self._api_prefix = settings.api_prefix
        self._doors = open_doors(settings)
        self._root_path = settings.root_path
        self._files = _files_app(settings.web_dir, _guards(settings))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Routes one request."""
        await RootPath(self._route, self._root_path)(scope, receive, send)

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = without_slash(route_path(scope))
        is_api = path.startswith((f"{self._api_prefix}/", "/docs/")) or path in _API_PATHS
        is_api = is_api or any(door.leads_to(path) for door in self._doors)
        await (self._api if is_api else self._files)(scope, receive, send)


def _guards(settings: Settings) -> list[Middleware]:
    """The first one is the first to see a request."""
    guards = [Middleware(SecurityHeaders, policy=UI_POLICY), Middleware(FaultGuard)]
    if is_loopback(settings.host):
        guards.append(Middleware(HostGuard, has_tokens=bool(settings.tokens)))
    return [*guards, Middleware(_OneFolder), Middleware(GZipMiddleware, minimum_size=1024)]


def _files_app(web_dir: Path, guards: Sequence[Middleware]) -> Starlette:
    index = web_dir / "index.html"

    async def serve_index(_request: Request) -> Response:
        """Serves the UI's one page at every path; it is never cached."""
        if not index.is_file():
            return PlainTextResponse(_NOT_BUILT, status_code=503)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    return Starlette(
        routes=[
            Mount(_ASSETS, _HashedFiles(directory=web_dir / "assets", check_dir=False)),
            Route("/", serve_index),
            Mount("/", _FilesOr(serve_index, web_dir)),
        ],
        middleware=guards,
    )


class _OneFolder:
    """Sends a browser to the folder of the page from any other one.

    The page's addresses are relative to it, so that they are right under any sub-path, whoever knows of it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = route_path(scope)
        depth = path.count("/") - 1
        if depth == 0 or path.startswith(_ASSETS) or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        folder = "../" * depth or f"{scope['root_path']}/"  # the sub-path may be asked for without its slash
        query = scope["query_string"].decode("latin-1")
        await RedirectResponse(f"{folder}?{query}" if query else folder)(scope, receive, send)


class _HashedFiles(StaticFiles):
    """Files whose names change with their content, so that a browser may keep them for ever."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response


class _FilesOr:
    """A file beside index.html (favicon, manifest) when a file is asked for, else the page itself."""

    def __init__(self, serve_index: object, web_dir: Path) -> None:
        self._index = Route("/{path:path}", serve_index, methods=["GET"])  # type: ignore[arg-type]
        self._files = StaticFiles(directory=web_dir, check_dir=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = route_path(scope).lstrip("/")
        names_file = "/" not in name and "." in name  # pages of the UI have no dot; a missing file is a 404
        await (self._files if names_file else self._index.handle)(scope, receive, send)
