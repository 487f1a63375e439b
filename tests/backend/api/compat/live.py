"""An application on a port of the loopback, for the real clients of other programs."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI

from backend.api.protocol import choose_protocol
from tests.backend.fakes import wait_until


@contextlib.contextmanager
def listening(app: FastAPI, front: Callable[..., Any] | None = None) -> Iterator[int]:
    """Serves an application, or what stands before it, from a thread; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(
            front or app, http=choose_protocol(), lifespan="off", log_config=None, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)

        async def serve() -> None:
            async with app.router.lifespan_context(app):
                await server.serve(sockets=[listener])

        thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
        thread.start()
        wait_until(lambda: server.started, "the server")
        try:
            yield listener.getsockname()[1]
        finally:
            app.state.services.tasks.end_streams()
            server.should_exit = True
            thread.join(15)
