"""Responses to unexpected exceptions."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.errors import internal_error

logger = logging.getLogger(__name__)


class FaultGuard:
    """Answers 500 to an unexpected exception. Inside the other guards, so that it gets their headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on. The server cuts the connection of a response that fails midway."""
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
