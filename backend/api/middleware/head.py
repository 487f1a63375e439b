"""HEAD requests: answered by the routes of GET."""

from __future__ import annotations

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadAsGet:
    """Answers HEAD with the status and the headers of GET, and ends the route before it has a body to send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        get = {**scope, "method": "GET"}
        with anyio.CancelScope() as answering:  # an event stream would go on for ever

            async def send_head(message: Message) -> None:
                if answering.cancel_called:  # the body
                    return
                if "route" in get:
                    scope["route"] = get["route"]  # the request meter reads it
                await send(message)
                await send({"type": "http.response.body"})
                answering.cancel()

            await self._app(get, receive, send_head)
