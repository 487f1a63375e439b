"""Where a process without a server of its own draws: on the one that runs, else in itself, for as long as that is used.

A data folder has one process. So the studio in this process begins with the first call that needs it, and ends when it
was idle for a while: whoever starts the server meanwhile gets the folder, and the next call goes there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import anyio
import anyio.to_thread
from pydantic import ValidationError
from zimage_client import AsyncClient, Retries
from zimage_client.connection import Address, is_listening, read_address

from backend.api.compat.mcp.there import RemoteStudio
from backend.models.setting_faults import describe_faults
from backend.services.errors import StudioError

if TYPE_CHECKING:
    from backend.embedded import Embedded

logger = logging.getLogger(__name__)

IDLE_S = 120.0
RETRIES = Retries(attempts=4, longest_wait_s=2.0)
QUIET = {"TRANSFORMERS_VERBOSITY": "error", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
END_S = 6.0
"""Longest wait for the calls that are cut off by the end."""
Serve: TypeAlias = "Callable[[], AbstractContextManager[Embedded]]"


@dataclass(frozen=True)
class _Own:
    """The studio of this process, and what ends it."""

    embedded: Embedded
    stack: contextlib.ExitStack


class Places:
    """Opens the studio for each call; an asynchronous context manager."""

    def __init__(
        self, server: str | None = None, *, local: bool = False, idle_s: float = IDLE_S, serve: Serve | None = None
    ) -> None:
        """Starts nothing yet.

        Args:
            server: Address of the server; else `ZIMAGE_URL`, else the usual one of this machine.
            local: Whether to draw in this process without looking for a server.
            idle_s: Seconds without a call after which the studio of this process ends.
            serve: What starts that, instead of `serve_embedded`.

        Raises:
            ValueError: The address is none.
        """
        self._address: Address = read_address(server)
        self._local = local
        self._idle_s = idle_s
        self._serve = serve
        self._changing = asyncio.Lock()
        self._own: _Own | None = None
        self._calls: set[anyio.CancelScope] = set()
        self._idling: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Places:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    async def end(self) -> None:
        """Cuts off the calls, whose tasks are cancelled, and ends the studio of this process."""
        with anyio.CancelScope(shield=True):
            for call in list(self._calls):
                call.cancel()
            with anyio.move_on_after(END_S):
                while self._calls:  # noqa: ASYNC110 — they end one by one, and each has its own time
                    await anyio.sleep(0.01)
            await self._end_own()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[RemoteStudio]:
        """Opens the studio for one call.

        Raises:
            StudioError: There is no server, and none can be started here.
        """
        with anyio.CancelScope() as call:
            self._calls.add(call)
            try:
                url, token = await self._choose()
                async with self._client(url, token) as client:
                    yield RemoteStudio(client, has_lasting_address=token is None)
            finally:
                self._calls.discard(call)
                if not self._calls and self._own is not None:
                    self._begin_to_idle()

    async def _choose(self) -> tuple[str, str | None]:
        """Returns the address of a server that runs, else that of this process with its token."""
        if not self._local and await self._is_running():
            return str(self._address), None
        async with self._changing:
            if self._own is None:
                logger.info("no server at %s: drawing in this process", self._address)
                self._own = await anyio.to_thread.run_sync(self._start)
            return self._own.embedded.url, self._own.embedded.token

    async def _is_running(self) -> bool:
        """Tells whether there is a server; one of another machine is not doubted."""
        return not self._address.is_local or await anyio.to_thread.run_sync(is_listening, self._address)

    def _client(self, url: str, token: str | None) -> AsyncClient:
        try:
            return AsyncClient(url, token, retries=RETRIES)
        except (ValueError, ImportError) as error:  # a token that no header can carry, or a proxy without its package
            raise StudioError(f"No connection to {url}: {error}.") from None

    def _start(self) -> _Own:
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        from backend.embedded import EmbeddedFailed, serve_embedded  # the whole server, which others have running

        stack = contextlib.ExitStack()
        try:
            return _Own(stack.enter_context((self._serve or serve_embedded)()), stack)
        except ValidationError as error:
            raise StudioError(f"The settings in the environment are not valid. {describe_faults(error)}") from None
        except (EmbeddedFailed, OSError) as error:
            reason = str(error).replace("--data-dir", "ZIMAGE_DATA_DIR, or name the server with --server")
            raise StudioError(f"No Z-Image runs at {self._address}, and none can start here: {reason}") from None

    def _begin_to_idle(self) -> None:
        if self._idling is not None:
            self._idling.cancel()
        self._idling = asyncio.create_task(self._end_when_idle())

    async def _end_when_idle(self) -> None:
        await asyncio.sleep(self._idle_s)
        self._idling = None
        if not self._calls:
            await self._end_own()

    async def _end_own(self) -> None:
        async with self._changing:
            own, self._own = self._own, None
            if own is not None:
                await anyio.to_thread.run_sync(own.stack.close)
                logger.info("the studio of this process has ended")
