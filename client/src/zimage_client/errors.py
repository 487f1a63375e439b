"""Errors of the client, one family.

ZImageError
├── ConnectionFailed     no answer, after all tries
├── UnexpectedAnswer     an answer that is none of Z-Image's
├── WaitTimeout          the task has not ended in time
├── TaskNotCompleted     `task` says how it ended
│   ├── TaskFailed       failed or interrupted
│   └── TaskCancelled
└── ApiError             the server refuses, by `status`
    ├── InvalidRequest   400, 413, 415, 422: `fields` say what is wrong
    ├── Unauthorized     401
    ├── NotFound         404
    ├── Conflict         409
    └── Unavailable      429, 503: `retry_after_s` says when to try again
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from zimage_client.types import Task


@dataclass(frozen=True)
class FieldProblem:
    """What is wrong with a field of a request."""

    field: str
    message: str


class ZImageError(Exception):
    """Everything that this package raises by itself, but for wrong arguments."""

    def __init__(
        self,
        message: str,
        code: str = "error",
        *,
        fields: tuple[FieldProblem, ...] = (),
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        """For programs; the API's own codes where the server has answered."""
        self.fields = fields
        self.retry_after_s = retry_after_s


class ConnectionFailed(ZImageError):
    """The server has not answered."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "connection_failed")


class UnexpectedAnswer(ZImageError):
    """The answer is not one of a Z-Image server."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "unexpected_answer")


class WaitTimeout(ZImageError):
    """The task has not ended in time; it goes on."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "wait_timeout")


class TaskNotCompleted(ZImageError):
    """The task has ended without all of its images."""

    def __init__(self, task: Task) -> None:
        code = task.error_code or task.status
        super().__init__(task.error or task.message or f"The task was {task.status}.", code)
        self.task = task
        """Its `images` are those that are finished."""


class TaskFailed(TaskNotCompleted):
    """The task has failed, or its server has ended under it."""


class TaskCancelled(TaskNotCompleted):
    """Somebody has cancelled the task."""


class ApiError(ZImageError):
    """The server refuses the request."""

    def __init__(
        self,
        message: str,
        code: str,
        *,
        status: int,
        fields: tuple[FieldProblem, ...] = (),
        retry_after_s: float | None = None,
        position: int | None = None,
    ) -> None:
        super().__init__(message, code, fields=fields, retry_after_s=retry_after_s)
        self.status = status
        self.position = position
        """With `queue_full`: tasks that wait already."""


class InvalidRequest(ApiError):
    """The request is not valid."""


class Unauthorized(ApiError):
    """The token is missing or wrong."""


class NotFound(ApiError):
    """There is no such task, image, model or route."""


class Conflict(ApiError):
    """The state of the task, the image or the model does not allow it."""


class Unavailable(ApiError):
    """Not now."""


_KIND_OF: Mapping[int, type[ApiError]] = {
    400: InvalidRequest,
    401: Unauthorized,
    404: NotFound,
    409: Conflict,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: Unavailable,
    503: Unavailable,
}


def error_of(response: httpx.Response) -> ApiError:
    """Returns the error that a response of 300 or more stands for; its body has been read."""
    status = response.status_code
    detail = _detail_of(response)
    message = _about_token(response) if detail.get("code") == "unauthorized" else detail.get("message")
    position = detail.get("position")
    return _KIND_OF.get(status, ApiError)(
        message if isinstance(message, str) and message else _plain_message(response),
        str(detail.get("code") or f"http_{status}"),
        status=status,
        fields=_fields_of(detail.get("fields")),
        retry_after_s=retry_after_of(response),
        position=position if isinstance(position, int) else None,
    )


def retry_after_of(response: httpx.Response) -> float | None:
    """Returns the seconds of `Retry-After`; None without one, or where it is a date."""
    try:
        return max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        return None


def _detail_of(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except (json.JSONDecodeError, UnicodeDecodeError):
        return {}
    detail = body.get("error") if isinstance(body, dict) else None
    return detail if isinstance(detail, dict) else {}


def _fields_of(fields: object) -> tuple[FieldProblem, ...]:
    entries = [entry for entry in fields if isinstance(entry, dict)] if isinstance(fields, list) else []
    return tuple(FieldProblem(str(entry.get("field", "")), str(entry.get("message", ""))) for entry in entries)


def _about_token(response: httpx.Response) -> str:
    """Tells a wrong token from none, which the server does not."""
    request = response.request
    place = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
    if "Authorization" in request.headers:
        return f"The token was not accepted at {place}: ZIMAGE_API_TOKEN must be one of that server's."
    return f"{place} needs a token: set ZIMAGE_API_TOKEN to one of that server's."


def _plain_message(response: httpx.Response) -> str:
    request = f"{response.request.method} {response.request.url}"
    if response.has_redirect_location:
        return f"{request} leads on to {response.headers['location']}: use that address."
    return f"{request} was answered with {response.status_code} {response.reason_phrase}, and not by Z-Image."
