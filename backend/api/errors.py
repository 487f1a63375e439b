"""Error responses: exceptions of the domain to statuses and `ErrorBody`.

Every 4xx and 5xx has that body, except the health check's. It never repeats what the client sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException

from backend.models.schemas import ErrorBody, ErrorDetail, FieldProblem, GenerateRequest
from backend.services.errors import (
    CallbackRefused,
    ControlUnusable,
    DiskFull,
    DoesNotFit,
    DownloadConflict,
    Draining,
    GuidanceUnused,
    IdempotencyMismatch,
    InputRefused,
    InputUnusable,
    ModelInUse,
    ModelNotFound,
    ModelNotInstalled,
    NegativePromptUnused,
    NoParameters,
    NotInTrash,
    NotOurs,
    QueueFull,
    RemovalFailed,
    StudioError,
    TaskAlreadyFinished,
    TaskNotRetryable,
    TaskNotWaiting,
    TooManyAttempts,
    TooMuchWork,
    UnknownAnnotator,
    UnknownControl,
    UnknownDownload,
    UnknownImage,
    UnknownInput,
    UnknownModel,
    UnknownPart,
    UnknownTask,
    UnknownWorker,
    UnreadableImage,
    WrongToken,
)
from backend.services.lora_errors import LoraDamaged, LoraInUse, LoraNotFound, LoraUnusable, NameTaken

RETRY_AFTER_S = 10
Responses = dict[int | str, dict[str, Any]]

_STATUS_OF: tuple[tuple[type[StudioError], int], ...] = (
    (WrongToken, 401),
    (UnknownTask, 404),
    (UnknownImage, 404),
    (UnknownInput, 404),
    (UnknownDownload, 404),
    (UnknownWorker, 404),
    (ModelNotFound, 404),
    (LoraNotFound, 404),
    (TaskAlreadyFinished, 409),
    (TaskNotRetryable, 409),
    (TaskNotWaiting, 409),
    (NotInTrash, 409),
    (DownloadConflict, 409),
    (ModelInUse, 409),
    (LoraInUse, 409),
    (NameTaken, 409),
    (NotOurs, 409),
    (RemovalFailed, 409),
    (IdempotencyMismatch, 422),
    (TooMuchWork, 422),
    (DoesNotFit, 422),
    (NoParameters, 422),
    (UnreadableImage, 422),
    (LoraDamaged, 422),
    (InputRefused, 422),
    (CallbackRefused, 422),
    (UnknownModel, 422),
    (UnknownPart, 422),
    (UnknownControl, 422),
    (UnknownAnnotator, 422),
    (ModelNotInstalled, 422),
    (GuidanceUnused, 422),
    (NegativePromptUnused, 422),
    (ControlUnusable, 422),
    (LoraUnusable, 422),
    (InputUnusable, 422),
    (QueueFull, 429),
    (TooManyAttempts, 429),
    (Draining, 503),
    (DiskFull, 507),
)
_STATUS_OF_CODE = {kind.code: status for kind, status in _STATUS_OF}
"""Of errors with which a task ended, which come as plain data."""
_FIELD_OF: dict[type[Exception], str] = {
    CallbackRefused: "callback_url",
    UnknownModel: "model",
    ModelNotInstalled: "model",
    GuidanceUnused: "guidance_scale",
    NegativePromptUnused: "negative_prompt",
    UnknownControl: "control",
    UnknownAnnotator: "control",
    ControlUnusable: "control",
    LoraUnusable: "loras",
    TooMuchWork: "num_images",
    DoesNotFit: "width",
    NoParameters: "file",
    UnreadableImage: "file",
    LoraDamaged: "file",
    NameTaken: "file",
}
_CODE_OF_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "wrong_origin",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    421: "wrong_host",
}
DESCRIPTIONS = {
    400: "The body is malformed.",
    401: "The token is missing or wrong.",
    403: "A page of another origin sent an unsafe method.",
    404: "Not found.",
    408: "The body did not arrive in time.",
    409: "The state of the task, the image or the model does not allow it.",
    413: "The body is too large.",
    415: "The body is compressed.",
    421: "The server is for this machine only; the Host header or the connection is not this machine's.",
    422: "The request is not valid; `fields` says what is wrong with each field.",
    429: "Too many tasks wait, or too many wrong tokens came; `Retry-After` says when to try again, `position` where "
    "the task would have stood.",
    500: "Internal server error; the server's log has the details.",
    503: "The server accepts no new tasks now.",
    507: "The disk is too full for another image.",
}


class FormExpected(HTTPException):
    """The body is no form, or none that can be read."""

    def __init__(self, field: str, otherwise: str = "") -> None:
        """Takes what the file is called, and what else the body may be."""
        told = f"The body must be a form (multipart/form-data) with the file in the field `{field}`"
        super().__init__(400, f"{told}{otherwise and f', or {otherwise}'}.")


def documented(*statuses: int) -> Responses:
    """Returns the OpenAPI entries of a route's errors."""
    return {status: {"model": ErrorBody, "description": DESCRIPTIONS[status]} for status in statuses}


def error_response(
    status: int,
    code: str,
    message: str,
    fields: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    position: int | None = None,
) -> JSONResponse:
    """Builds a response with the common error body."""
    body = ErrorBody(error=ErrorDetail(code=code, message=message, fields=list(fields), position=position))
    return JSONResponse(
        body.model_dump(mode="json", exclude_none=True), status_code=status, headers=dict(headers or {})
    )


def install_error_handlers(app: FastAPI) -> None:
    """Registers handlers for expected exceptions; `FaultGuard` answers the others."""
    app.add_exception_handler(StudioError, _on_studio_error)
    app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_exception_handler(HTTPException, _on_http_exception)


async def _on_studio_error(_request: Request, error: Exception) -> JSONResponse:
    return present_error(error) if isinstance(error, StudioError) else internal_error()


def present_error(error: StudioError) -> JSONResponse:
    """Builds the response to an error of the domain."""
    status = next((status for kind, status in _STATUS_OF if isinstance(error, kind)), None)
    if status is None:
        status = _STATUS_OF_CODE.get(error.code, 500)
    field = error.field if isinstance(error, InputRefused) else _FIELD_OF.get(type(error))
    fields = [FieldProblem(field=field, message=str(error))] if field else []
    headers = {}
    if isinstance(error, QueueFull | TooManyAttempts):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after_s or RETRY_AFTER_S)))
    if isinstance(error, WrongToken):
        headers["WWW-Authenticate"] = 'Bearer realm="Z-Image"'
    position = error.position if isinstance(error, QueueFull) else None
    return error_response(status, error.code, str(error), fields, headers, position)


def internal_error() -> JSONResponse:
    """Builds the response to an unexpected exception."""
    return error_response(500, StudioError.code, "Internal server error; the server's log has the details.")


async def _on_invalid_request(_request: Request, error: Exception) -> JSONResponse:
    problems = [_describe(problem) for problem in error.errors()] if isinstance(error, RequestValidationError) else []
    message = " ".join(f"{problem.field}: {problem.message}" for problem in problems)
    return error_response(422, "validation_error", message, problems)


def describe_invalid(error: ValidationError, kind: type[BaseModel] = GenerateRequest) -> str:
    """Returns the problems of a body of a kind as one text, as the API's own answers have them."""
    problems = [_describe({**problem, "loc": ("body", *problem["loc"])}, kind) for problem in error.errors()]
    return " ".join(f"{problem.field}: {problem.message}" for problem in problems)


def _describe(problem: Mapping[str, Any], kind: type[BaseModel] = GenerateRequest) -> FieldProblem:
    """Describes a validation error without the rejected value; mostly in Pydantic's words."""
    location = [str(part) for part in problem["loc"]]
    field = ".".join(location[1:]) if problem["type"] != "json_invalid" else ""
    message = {
        "json_invalid": "The body is not valid JSON.",
        "missing": "This is required.",
        "extra_forbidden": "There is no such field.",
        "string_unicode": "The text is not valid Unicode.",
        "string_too_short": "The text is empty.",
        "model_attributes_type": _object_expected(location[1:], kind),
        "model_type": _object_expected(location[1:], kind),
        "dict_type": _object_expected(location[1:], kind),
    }.get(problem["type"], f"{problem['msg']}.".replace("..", "."))
    return FieldProblem(field=_printable(field) or "body", message=message)


def _object_expected(location: Sequence[str], kind: type[BaseModel]) -> str:
    """Tells what must stand at a place instead of a text or a number; an empty place is the whole body."""
    if not location:
        return "This must be a JSON object, sent with the header Content-Type: application/json."
    field = kind.model_fields.get(location[0])
    inner = _models_of(field.annotation) if field is not None else []
    if len(inner) != 1 or any(not part.isdecimal() for part in location[1:]):
        return "This must be an object."
    fields = inner[0].model_fields
    needed = [name for name, one in fields.items() if one.is_required()]
    return f"This must be an object with {', '.join(needed or fields)}."


def _models_of(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in get_args(annotation) for found in _models_of(part)]


def _printable(text: str) -> str:
    """Makes a field's name, which comes from the client, valid UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")[:100]


async def _on_http_exception(_request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict((error.headers if isinstance(error, HTTPException) else None) or {})
    if headers.get("Allow") == "GET":
        headers["Allow"] = "GET, HEAD"  # by `HeadAsGet`
    words = (
        {}
        if isinstance(error, FormExpected)
        else {
            400: "The body is not UTF-8." if isinstance(error.__cause__, UnicodeDecodeError) else "Malformed request.",
            404: "No route has this path; /docs lists the routes.",
            405: "The route does not support this method; /docs lists the routes.",
        }
    )
    message = words.get(status, str(getattr(error, "detail", "Error")))
    return error_response(status, _CODE_OF_STATUS.get(status, "http_error"), message, headers=headers)
