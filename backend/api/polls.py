"""Answers the one question that is asked all the time, how far a task is, before the framework looks at it.

Hundreds of clients that poll must not slow down what they wait for. FastAPI would find the route, solve its
dependencies on a stack of contexts, call it on a thread, validate what it returns and encode that: ten times the work
of everything here. The route itself is `get_task`, which documents the answer, gives the same one, and refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.deps import CLIENT_KEY, Services, client_address
from backend.api.presenters import present_task
from backend.services.errors import UnknownTask
from backend.services.tasks.records import TaskRecord, is_seen_by

MAX_KEPT = 1000
"""Answers that are kept; above that, all are forgotten."""


@dataclass(frozen=True)
class _Route:
    """What the meter of the requests asks for."""

    path: str


@dataclass(frozen=True)
class _Answer:
    task: TaskRecord
    position: int | None
    eta_s: float | None
    body: bytes


class TaskPolls:
    """Stands inside all guards. Whatever is not a plain look at a task that the client may see, goes on."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app = app
        self._services = services
        self._prefix = services.settings.api_prefix
        self._path = re.compile(rf"{re.escape(self._prefix)}/generate/([0-9a-f]{{32}})")
        self._route = _Route(f"{self._prefix}/generate/{{task_id}}")
        self._answers: dict[str, _Answer] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a poll, or passes the request on."""
        body = self._look(scope) if scope["type"] == "http" and scope["method"] == "GET" else None
        if body is None:
            await self._app(scope, receive, send)
            return
        scope["route"] = self._route
        headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _look(self, scope: Scope) -> bytes | None:
        found = self._path.fullmatch(scope["path"])
        if found is None:
            return None
        settings, tasks = self._services.settings, self._services.tasks
        try:
            task = tasks.get(found[1])
        except UnknownTask:
            return None
        if settings.history_per_token and not is_seen_by(task, _client(scope), settings.tokens):
            return None
        position, eta_s = tasks.position_and_eta(task)
        return self._body(task, position, None if eta_s is None else round(eta_s, 1))

    def _body(self, task: TaskRecord, position: int | None, eta_s: float | None) -> bytes:
        """Encodes each version of a task once, however many ask for it."""
        known = self._answers.get(task.id)
        if known is not None and known.task is task and (known.position, known.eta_s) == (position, eta_s):
            return known.body
        if len(self._answers) >= MAX_KEPT:
            self._answers.clear()
        body = present_task(task, position, eta_s, self._prefix).model_dump_json().encode()
        self._answers[task.id] = _Answer(task, position, eta_s, body)
        return body


def _client(scope: Scope) -> str:
    return scope.get(CLIENT_KEY) or client_address(HTTPConnection(scope))
