"""What a door is, and the middleware that gives its errors their shape."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel, ValidationError
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.api.middleware.scope import route_path
from backend.models import schemas
from backend.models.capabilities import DoorAddress
from backend.models.config import Settings
from backend.models.schemas import ErrorBody, ErrorDetail

ErrorTranslator = Callable[[int, ErrorDetail], tuple[int, Mapping[str, object]]]
"""Turns the status and the error of the API into the status and the body that clients of a door expect."""


def _keep_nothing(_app: FastAPI) -> None:
    """Prepares nothing."""


@dataclass(frozen=True)
class Door:
    """Protocol of another program, on the port of the API and behind its guards."""

    name: schemas.Door
    prefix: str
    """Beginning of its paths, without the `/` that follows."""
    router: APIRouter
    """Its routes, with the prefix."""
    is_on: Callable[[Settings], bool]
    translate_error: ErrorTranslator
    upload_paths: tuple[str, ...] = ()
    """Paths whose bodies may be as large as an upload."""
    error_model: type[BaseModel] = ErrorBody
    """Body of its errors, for OpenAPI."""
    base_path: str | None = None
    """What is behind the origin in the address that its clients are told; None for the prefix."""
    prepare: Callable[[FastAPI], None] = _keep_nothing
    """Puts what the door remembers into the state of an application."""
    lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]] | None = None
    """What begins after the services and ends before them."""

    @property
    def address(self) -> DoorAddress:
        """What its clients are told."""
        return DoorAddress(name=self.name, path=self.prefix if self.base_path is None else self.base_path)

    def leads_to(self, path: str) -> bool:
        """Tells whether a path is one of this door's."""
        return path == self.prefix or path.startswith(f"{self.prefix}/")


class DoorErrors:
    """Translates every error under the doors' paths: of routes, of validation, of guards, of unknown paths.

    It stands outside the guards. What is not an `ErrorBody` passes as it is.
    """

    def __init__(self, app: ASGIApp, doors: tuple[Door, ...]) -> None:
        self._app = app
        self._doors = doors

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on; translates the answer if it is an error."""
        path = route_path(scope) if scope["type"] == "http" else ""
        door = next((door for door in self._doors if door.leads_to(path)), None)
        await self._app(scope, receive, send if door is None else _Translation(send, door.translate_error).send)


class _Translation:
    """Holds an error's answer back until its body is complete."""

    def __init__(self, send: Send, translate: ErrorTranslator) -> None:
        self._send = send
        self._translate = translate
        self._start: Message | None = None
        self._body = b""

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_error(message):
            self._start = message
        elif self._start is None or message["type"] != "http.response.body":
            await self._send(message)
        else:
            self._body += message.get("body", b"")
            if not message.get("more_body", False):
                await self._send_translated(self._start)

    async def _send_translated(self, start: Message) -> None:
        body = self._body
        with contextlib.suppress(ValidationError):
            status, content = self._translate(start["status"], ErrorBody.model_validate_json(body).error)
            body = json.dumps(content, ensure_ascii=False).encode()
            headers = MutableHeaders(raw=list(start["headers"]))
            headers["content-length"] = str(len(body))
            start = {**start, "status": status, "headers": headers.raw}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": body})


def _is_error(start: Message) -> bool:
    is_json = MutableHeaders(raw=list(start["headers"])).get("content-type", "").startswith(JSONResponse.media_type)
    return bool(start["status"] >= 400 and is_json)
