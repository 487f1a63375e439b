"""The ports of the one process: the REST API, the browser UI with the API on its own origin, and Ollama's if wanted."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
from collections.abc import Callable, Iterator, Sequence

import uvicorn
from fastapi import FastAPI
from uvicorn.loops.auto import auto_loop_factory

from backend.api.compat.ollama.door import OllamaPort
from backend.api.protocol import choose_protocol
from backend.api.web import WebApp
from backend.main import create_app
from backend.models.config import Settings

logger = logging.getLogger(__name__)

KEEP_ALIVE_S = 75
"""Longer than clients and proxies keep a connection, which are to be the ones that close it."""
GRACEFUL_SHUTDOWN_S = 2
_BACKLOG = 2048


class PortTaken(Exception):
    """Another program listens on a port."""


def serve(settings: Settings, api: FastAPI | None = None) -> None:
    """Serves until SIGINT or SIGTERM.

    Args:
        settings: Where, among other things.
        api: What to serve instead of the application that the settings describe.

    Raises:
        PortTaken: a port is in use.
        FolderInUse: another process owns the data folder.
    """
    with contextlib.ExitStack() as sockets:
        api_socket = sockets.enter_context(bind(settings.host, settings.port, "--port"))
        web_socket = sockets.enter_context(bind(settings.host, settings.web_port, "--web-port"))
        listeners = [api_socket, web_socket]
        if settings.ollama:
            listeners.append(sockets.enter_context(bind(settings.host, settings.ollama, "ZIMAGE_OLLAMA")))
        with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
            runner.run(_serve(api or create_app(settings), settings, listeners))


def bind(host: str, port: int, option: str) -> socket.socket:
    """Takes a port before anything else is started.

    Raises:
        PortTaken: another program has it; the message names the option that chooses another one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio turns Nagle's delay of 40 ms off only for sockets that name their protocol
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where SO_REUSEADDR would share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is in use by another program; choose another one with {option}.") from None
        raise PortTaken(f"{host}:{port} cannot be listened on: {error.strerror}.") from None
    return listener


class _Server(uvicorn.Server):
    """A server that leaves the signals to `_serve`, which has two of them to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def _serve(api: FastAPI, settings: Settings, listeners: Sequence[socket.socket]) -> None:
    """Serves what stands on each port, in the order of their sockets; the last one is not always there."""
    fronts = (api, WebApp(api, settings), OllamaPort(api))[: len(listeners)]
    async with api.router.lifespan_context(api):
        servers = [_Server(_config(front, settings)) for front in fronts]
        _stop_on_signals(servers, api.state.services.tasks.end_streams)
        await run_together(servers, listeners, lambda: _announce(settings, *listeners))
        logger.info("stopping: the running task ends at its next step")


async def run_together(
    servers: Sequence[uvicorn.Server], listeners: Sequence[socket.socket], on_ready: Callable[[], None]
) -> None:
    """Runs servers until one of them ends; then all of them end.

    Args:
        servers: Not yet started.
        listeners: The socket of each.
        on_ready: Called once, when all of them answer.

    Raises:
        Exception: what the first of them has failed with.
    """
    serving = [
        asyncio.create_task(server.serve(sockets=[listener]))
        for server, listener in zip(servers, listeners, strict=True)
    ]
    try:
        while not any(task.done() for task in serving) and not all(server.started for server in servers):  # noqa: ASYNC110 — uvicorn has a flag, no event
            await asyncio.sleep(0.01)
        if not any(task.done() for task in serving):
            on_ready()
        await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for server in servers:
            server.should_exit = True
        await asyncio.wait(serving)
    for task in serving:
        task.result()


def _config(app: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        http=choose_protocol(),
        lifespan="off",
        log_config=None,
        access_log=settings.log_level == "DEBUG",
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN_S,
        timeout_keep_alive=KEEP_ALIVE_S,
        server_header=False,
    )


def _stop_on_signals(servers: list[_Server], end_streams: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()

    def stop(*_: object) -> None:
        for server in servers:
            server.should_exit = True
        loop.call_soon_threadsafe(end_streams)  # not here: a handler may interrupt whoever holds the lock

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, stop)
    if hasattr(signal, "SIGBREAK"):  # Ctrl-Break of a Windows console
        signal.signal(signal.SIGBREAK, stop)


def _announce(
    settings: Settings, api_socket: socket.socket, web_socket: socket.socket, ollama_socket: socket.socket | None = None
) -> None:
    host = {"0.0.0.0": "localhost", "::": "localhost", "127.0.0.1": "localhost"}.get(settings.host, settings.host)
    host = f"[{host}]" if ":" in host else host
    api, web = f"http://{host}:{api_socket.getsockname()[1]}", f"http://{host}:{web_socket.getsockname()[1]}"
    print(f"Z-Image is ready: UI {web} | API {api} | docs {api}/docs", flush=True)  # noqa: T201 — the one line a person waits for
    if ollama_socket is not None:
        logger.info("Ollama's image API: http://%s:%d", host, ollama_socket.getsockname()[1])
