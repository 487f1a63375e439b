"""OpenAPI beyond the routes: tags, responses of the middleware, examples."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

from backend.api import examples
from backend.api.errors import DESCRIPTIONS
from backend.api.middleware.origin import SAFE_METHODS
from backend.api.middleware.token import OPEN_PATHS
from backend.models.recipe import Frozen
from backend.models.schemas import ErrorBody

TAGS = [
    {"name": "generate", "description": "Submit, watch, cancel, retry and reorder tasks."},
    {
        "name": "pictures",
        "description": "The history: search, change, delete, restore, download, export and import images.",
    },
    {"name": "models", "description": "Models and their downloads."},
    {"name": "loras", "description": "LoRAs, which change what a model draws."},
    {"name": "session", "description": "Sessions of browsers, where a token is required."},
    {"name": "system", "description": "Health, capabilities and state of the machine."},
]
_SECURITY = {
    "token": {"type": "http", "scheme": "bearer", "description": "Where the server asks for a token."},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "zimage_session_15000",
        "description": "What `POST /api/session` gives a browser for a token; named by the port of the API.",
    },
}
_ERROR_SCHEMA = {"$ref": "#/components/schemas/ErrorBody"}
_JSON = "application/json"

Spec = dict[str, Any]


def complete_description(app: FastAPI) -> None:
    """Replaces the application's `openapi`; the document is built at its first request."""
    build = app.openapi

    def openapi() -> Spec:
        if app.openapi_schema is None:
            app.openapi_schema = _complete(build())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the framework's own way


def _complete(spec: Spec) -> Spec:
    spec["tags"] = TAGS
    spec["components"]["securitySchemes"] = _SECURITY
    spec["security"] = [{}, *({name: []} for name in _SECURITY)]  # the first one: none, on a server without tokens
    schemas = spec["components"]["schemas"]
    for name, example in examples.bodies().items():
        is_request = not isinstance(example, Frozen)  # shown with what one has to say; an answer with everything
        schemas[name]["examples"] = [example.model_dump(mode="json", exclude_unset=is_request)]
    spec["components"]["examples"] = {
        body.error.code: {"value": body.model_dump(mode="json", exclude_none=True)} for body in _all_errors()
    }
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            _complete_operation(path, method.upper(), operation)
    return spec


def _complete_operation(path: str, method: str, operation: Spec) -> None:
    responses = operation["responses"]
    is_queued = "429" in responses and path.endswith(("/generate", "/retry"))
    for status in _refusals(path, method, has_body="requestBody" in operation):
        responses.setdefault(str(status), _error(status))
    for status, response in responses.items():
        content = response.get("content", {})
        if content.get(_JSON, {}).get("schema") == _ERROR_SCHEMA:
            content[_JSON]["examples"] = _error_examples(int(status), is_queued=is_queued)
        for kind in content.keys() & examples.STREAMS.keys():
            content[kind]["example"] = examples.STREAMS[kind]
    operation["responses"] = dict(sorted(responses.items()))


def _refusals(path: str, method: str, *, has_body: bool) -> list[int]:
    """Returns the statuses with which the middleware may answer."""
    statuses = [421, 500]
    if path not in OPEN_PATHS:
        statuses += [429] if path.endswith("/session") else [401, 429]
    if method not in SAFE_METHODS:
        statuses.append(403)
    if has_body:
        statuses += [400, 408, 413, 415, 422]
    return statuses


def _error(status: int) -> Spec:
    return {"description": DESCRIPTIONS[status], "content": {_JSON: {"schema": _ERROR_SCHEMA}}}


def _error_examples(status: int, *, is_queued: bool) -> Spec:
    codes = [body.error.code for body in examples.errors()[status]]
    return {code: {"$ref": f"#/components/examples/{code}"} for code in codes if is_queued or code != "queue_full"}


def _all_errors() -> list[ErrorBody]:
    return [body for bodies in examples.errors().values() for body in bodies]
