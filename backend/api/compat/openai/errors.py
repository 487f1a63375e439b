"""Errors in OpenAI's shape."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from backend.api.compat.openai.schemas import OpenAIErrorBody, OpenAIErrorDetail
from backend.api.errors import present_error
from backend.models.schemas import ErrorDetail
from backend.services.errors import StudioError

_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
_CODES = {
    "unauthorized": "invalid_api_key",
    "queue_full": "rate_limit_exceeded",
    "too_many_attempts": "rate_limit_exceeded",
    "unknown_model": "model_not_found",
    "model_not_installed": "model_not_found",
    "validation_error": "invalid_value",
}
_STATUS_OF_CODE = {
    "unknown_model": 404,
    "model_not_installed": 404,
    "cancelled": 409,
    "input_unusable": 400,
    "interrupted": 503,
    "timeout": 504,
}
"""Of errors with which a task ends, beside those that the API answers with another status."""


def translate_error(status: int, error: ErrorDetail) -> tuple[int, Mapping[str, object]]:
    """Returns the status and the body of an error; what is not valid is a 400 there."""
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        status = HTTPStatus.BAD_REQUEST
    status = _STATUS_OF_CODE.get(error.code, status)
    kind = "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request_error"
    detail = OpenAIErrorDetail(
        message=error.message,
        type=_TYPES.get(status, kind),
        param=error.fields[0].field if error.fields else None,
        code=_CODES.get(error.code, error.code),
    )
    return status, OpenAIErrorBody(error=detail).model_dump()


def failed_task(error: StudioError) -> Response:
    """Returns the answer to a request whose task has failed: a repeat would draw once more."""
    response = present_error(error)
    response.headers["x-should-retry"] = "false"
    return response


def error_event(error: StudioError) -> Mapping[str, object]:
    """Returns the data of the event that ends a stream before its images."""
    return translate_error(500, ErrorDetail(code=error.code, message=str(error)))[1]
