"""The API inside another program: on a free port of the loopback, for as long as that program wants it."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from backend.api.protocol import choose_protocol
from backend.main import create_app
from backend.models.config import Settings
from backend.server import bind

START_S = 60.0
END_S = 15.0
"""Longer than everything in the application that ends with it."""


@dataclass(frozen=True)
class Embedded:
    """Address and token of an API that runs in this process."""

    url: str
    token: str


class EmbeddedFailed(Exception):
    """The API has not started."""


@contextlib.contextmanager
def serve_embedded(make_app: Callable[[Settings, Path], FastAPI] | None = None) -> Iterator[Embedded]:
    """Serves the API on another thread. Its tasks are its own: those that wait in the data folder stay there.

    Args:
        make_app: What builds the application from the settings and the file for its tasks.

    Raises:
        ValidationError: The settings in the environment are not valid.
        EmbeddedFailed: It has not started; the message says why, as that another process owns the data folder.
    """
    token = secrets.token_urlsafe(32)  # other users of this machine can reach the port, too
    settings = Settings(
        host="127.0.0.1", port=0, web_port=0, ollama=0, api_prefix="/api", root_path="",
        api_token=token, api_tokens={}, webhook_secrets={}, history_per_token=False,
    )  # fmt: skip
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zimage-", ignore_cleanup_errors=True))
        app = (make_app or create_embedded_app)(settings, Path(folder) / "tasks.json")
        listener = stack.enter_context(contextlib.closing(bind(settings.host, settings.port, "--port")))
        server = _ServerThread(app, listener)
        server.start()
        try:
            server.wait_until_ready()
            yield Embedded(f"http://127.0.0.1:{listener.getsockname()[1]}", token)
        finally:
            server.end()


def create_embedded_app(settings: Settings, tasks_file: Path) -> FastAPI:
    """Builds the application with the tasks in a file that is thrown away."""
    return create_app(settings, tasks_file=tasks_file)


class _ServerThread:
    """A server with a thread and an event loop of its own."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        config = uvicorn.Config(
            app, http=choose_protocol(), lifespan="off", log_config=None, access_log=False, server_header=False,
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        self._app = app
        self._listener = listener
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="embedded API", daemon=True)
        self._error: Exception | None = None
        self._ended = threading.Event()

    def start(self) -> None:
        """Begins to start."""
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Returns when it answers.

        Raises:
            EmbeddedFailed: It has ended before, or takes too long.
        """
        deadline = time.monotonic() + START_S
        while not self._server.started:
            if self._ended.wait(0.01):
                raise EmbeddedFailed(str(self._error) or type(self._error).__name__)
            if time.monotonic() > deadline:
                raise EmbeddedFailed(f"The API has not started within {START_S:g} s.")

    def end(self) -> None:
        """Ends it, and waits for that; what is stuck is left to the end of the process."""
        self._app.state.services.tasks.end_streams()
        self._server.should_exit = True
        self._thread.join(END_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as error:  # noqa: BLE001 — whoever waits for it is told
            self._error = error
        finally:
            self._ended.set()

    async def _serve(self) -> None:
        async with self._app.router.lifespan_context(self._app):
            await self._server.serve(sockets=[self._listener])
