"""Route for polls of a task, the request that clients send most.

FastAPI solves dependencies, starts a thread and validates the answer: ten times the work of this route. `get_task`
documents the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from backend.api.deps import Services, client_of
from backend.api.presenters import present_task
from backend.services.errors import UnknownTask
from backend.services.tasks.records import TaskRecord, is_seen_by

MAX_KEPT = 1000
"""Encoded bodies in the cache; one more clears it."""


class PollRoute(Route):
    """`GET …/generate/{task_id}`, to be placed before FastAPI's routes."""

    def __init__(self, services: Services) -> None:
        path = f"{services.settings.api_prefix}/generate/{{task_id}}"
        super().__init__(path, TaskPolls(services).answer, methods=["GET"], include_in_schema=False)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Takes a GET only; FastAPI's routes answer the rest."""
        match, child = super().matches(scope)
        if match is not Match.FULL:
            return Match.NONE, {}
        return match, {**child, "route": self}  # the request meter reads its path


@dataclass(frozen=True)
class _Answer:
    task: TaskRecord
    position: int | None
    eta_s: float | None
    body: bytes


class TaskPolls:
    """Answers polls; caches the body of each task's newest version."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._answers: dict[str, _Answer] = {}

    async def answer(self, request: Request) -> Response:
        """Returns a task's status.

        Raises:
            UnknownTask: There is no such task, or it belongs to another client.
        """
        settings, tasks = self._services.settings, self._services.tasks
        task = tasks.get(request.path_params["task_id"])
        if settings.history_per_token and not is_seen_by(task, client_of(request), settings.tokens):
            raise UnknownTask
        position, eta_s = tasks.position_and_eta(task)
        return Response(self._body(task, position, eta_s), media_type="application/json")

    def _body(self, task: TaskRecord, position: int | None, eta_s: float | None) -> bytes:
        """Encodes each version of a task once, however many clients poll."""
        eta_s = None if eta_s is None else round(eta_s, 1)
        known = self._answers.get(task.id)
        if known is not None and known.task is task and (known.position, known.eta_s) == (position, eta_s):
            return known.body
        if len(self._answers) >= MAX_KEPT:
            self._answers.clear()
        body = present_task(task, position, eta_s, self._services.settings.api_address).model_dump_json().encode()
        self._answers[task.id] = _Answer(task, position, eta_s, body)
        return body
