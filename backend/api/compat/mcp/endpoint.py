"""Streamable HTTP at one path; nothing of the protocol's package is imported before somebody calls there."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from contextlib import AbstractAsyncContextManager
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, cast

import anyio
import anyio.to_thread
from starlette.requests import HTTPConnection
from starlette.types import Message, Receive, Scope, Send

from backend.api.deps import Services, client_of
from backend.api.errors import error_response
from backend.api.middleware.scope import read_header

if TYPE_CHECKING:
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

    from backend.api.compat.mcp.studio import Studio

logger = logging.getLogger(__name__)

MAX_SESSIONS = 64
IDLE_S = 5 * 60.0
"""A session without a request for so long is over."""
MISSING = (
    "The package `mcp` is not installed here: .venv/bin/pip install -c constraints.txt mcp, or start with ./start.sh, "
    "which installs it."
)


class McpEndpoint:
    """Sessions of one application; as an ASGI application, the path itself."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._starting = asyncio.Lock()
        self._stop = asyncio.Event()
        self._manager: StreamableHTTPSessionManager | None = None
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request of a session, or one that opens a session."""
        refusal = self._refusal(scope)
        if refusal is not None:
            await error_response(*refusal)(scope, receive, send)
            return
        try:
            manager = await self._started()
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
                raise
            await error_response(501, "mcp_missing", MISSING)(scope, receive, send)
            return
        user = _user(client_of(HTTPConnection(scope)))
        with contextlib.suppress(anyio.ClosedResourceError, anyio.BrokenResourceError):  # the client has gone
            await manager.handle_request({**scope, "user": user}, receive, _answering_once(send))

    async def close(self) -> None:
        """Ends the sessions, and with them the tasks that they wait for."""
        self._stop.set()
        if self._running is not None:
            await asyncio.wait([self._running])

    def _refusal(self, scope: Scope) -> tuple[int, str, str] | None:
        """Refuses pages of other sites, at reading too, and names that may mean this machine for a moment only."""
        host, origin = read_header(scope, b"host"), read_header(scope, b"origin")
        settings = self._services.settings
        known = {origin.partition("://")[2] for origin in settings.cors_origins}
        if not self._services.access_tokens.required and not is_fixed(host) and host not in known:
            return (
                421,
                "wrong_host",
                (
                    "Without a token, this door answers to addresses and localhost only, against DNS rebinding; "
                    "ZIMAGE_CORS_ORIGINS lists other names."
                ),
            )
        if origin and origin not in settings.cors_origins and origin.partition("://")[2] != host:
            return 403, "wrong_origin", "This page may not use the door; ZIMAGE_CORS_ORIGINS lists those that may."
        return None

    async def _started(self) -> StreamableHTTPSessionManager:
        async with self._starting:
            if self._manager is None:
                manager = await anyio.to_thread.run_sync(self._build)
                ready = asyncio.Event()
                self._running = asyncio.create_task(self._run(manager, ready))
                await ready.wait()
                self._manager = manager
        return self._manager

    def _build(self) -> StreamableHTTPSessionManager:
        from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

        from backend.api.compat.mcp.here import OwnStudio
        from backend.api.compat.mcp.server import Context, build_server

        def open_studio(context: Context) -> AbstractAsyncContextManager[Studio]:
            request = cast("HTTPConnection", context.request)
            origin = f"{request.url.scheme}://{request.url.netloc}"
            return contextlib.nullcontext(OwnStudio(self._services, client_of(request), origin))

        logging.getLogger("mcp").setLevel(logging.WARNING)
        return StreamableHTTPSessionManager(
            build_server(open_studio),
            session_idle_timeout=IDLE_S,
            max_sessions=MAX_SESSIONS,
            max_request_body_size=self._services.settings.max_upload_mb * 2**20,
        )

    async def _run(self, manager: StreamableHTTPSessionManager, ready: asyncio.Event) -> None:
        """Holds the sessions: their tasks begin and end within this one, as the package wants it."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            if self._services.tasks.closing:
                with contextlib.suppress(RuntimeError):  # the loop has ended
                    loop.call_soon_threadsafe(self._stop.set)

        unwatch = self._services.tasks.watch(look)
        try:
            async with manager.run():
                ready.set()
                look()
                await self._stop.wait()
        except Exception:
            logger.exception("the sessions of MCP have ended")
        finally:
            ready.set()
            unwatch()


def is_fixed(host: str) -> bool:
    """Tells whether a Host header is an address or localhost, which nobody's name server can change."""
    name, separator, port = host.rpartition(":")
    name = name if separator and port.isdigit() else host
    if name.lower() == "localhost":
        return True
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _answering_once(send: Send) -> Send:
    """Drops a second answer, which the package gives where its client has gone in the middle of the first."""
    answers = 0

    async def send_first(message: Message) -> None:
        nonlocal answers
        answers += message["type"] == "http.response.start"
        if answers <= 1:
            await send(message)

    return send_first


def _user(client: str) -> Any:
    """Returns the client as the package knows users, so that a session is of use to whoever began it only."""
    from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
    from mcp.server.auth.provider import AccessToken

    return AuthenticatedUser(AccessToken(token="", client_id=client, scopes=[]))
