"""Routes of Ollama's API. They are asked with any Content-Type, so the bodies are read here."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, TypeVar

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from backend import __version__
from backend.api.compat.drawing import Drawing, completed, open_drawing
from backend.api.compat.ollama.models import as_text, find_model, present_model, present_shown
from backend.api.compat.ollama.translate import present_end, present_nothing, present_step, translate
from backend.api.compat.ollama.wire import GenerateBody, ShowBody
from backend.api.compat.streams import HeldStream
from backend.api.deps import App, Client, Owner, Services
from backend.models.schemas import GenerateRequest
from backend.services.errors import StudioError
from backend.utils.clock import utc_now

PREFIX = "/ollama"
router = APIRouter(prefix=PREFIX, include_in_schema=False)
Body = TypeVar("Body", bound=BaseModel)

_NDJSON = "application/x-ndjson"
_LOADED_FOR = timedelta(days=1)
"""How long a model is said to stay in memory where nothing ends that."""


@router.get("")
def get_root() -> PlainTextResponse:
    """Says what clients look for."""
    return PlainTextResponse("Ollama is running")


@router.get("/api/version")
def get_version() -> dict[str, Any]:
    """Tells our version."""
    return {"version": __version__}


@router.get("/api/tags")
def list_models(app: App) -> dict[str, Any]:
    """Lists the installed models."""
    return {"models": [present_model(model) for model in app.catalogue.models() if model.installed]}


@router.get("/api/ps")
def list_loaded(app: App) -> dict[str, Any]:
    """Lists the models in memory."""
    idle_s = app.settings.idle_unload
    until = utc_now() + (timedelta(seconds=idle_s) if idle_s else _LOADED_FOR)
    loaded = set(app.executor.loaded_models)
    return {
        "models": [
            {**present_model(model), "expires_at": as_text(until)}
            for model in app.catalogue.models()
            if model.installed and model.id in loaded
        ]
    }


@router.post("/api/show")
async def show_model(request: Request, app: App) -> dict[str, Any]:
    """Describes a model: it can draw, and nothing else."""
    body = await _read(request, ShowBody)
    return await run_in_threadpool(lambda: present_shown(find_model(app.catalogue, body.model or body.name)))


@router.post("/api/generate")
async def generate(request: Request, app: App, client: Client, owner: Owner) -> Response:
    """Draws an image; answers with a line at every step, or with the last one only."""
    body = await _read(request, GenerateBody)
    model = await run_in_threadpool(find_model, app.catalogue, body.model)
    if not body.prompt:
        if body.frees_memory:
            app.tasks.free_memory()
        return JSONResponse(present_nothing(body.model, "unload" if body.frees_memory else "load"))
    wanted = await run_in_threadpool(lambda: app.sources.keep(translate(body, model, app.inputs), owner))
    if body.stream:
        return await _begin(app, wanted, client, body.model)
    async with open_drawing(app.tasks, wanted, client, "ollama") as drawing:
        task = await drawing.finished_for(request)
    return JSONResponse(await run_in_threadpool(present_end, body.model, task, app.history))


@router.post("/api/chat")
@router.post("/api/embed")
@router.post("/api/embeddings")
def refuse_words() -> JSONResponse:
    """Refuses what language models do."""
    message = "The models here draw images and do nothing else: ask /api/generate, and another server for words."
    return JSONResponse({"error": message}, status_code=400)


@router.post("/api/pull")
@router.post("/api/push")
@router.post("/api/create")
@router.post("/api/copy")
@router.delete("/api/delete")
def refuse_changes() -> JSONResponse:
    """Refuses to change the models."""
    message = "Models are fetched and deleted in Z-Image itself, not by this API."
    return JSONResponse({"error": message}, status_code=400)


async def _begin(app: Services, wanted: GenerateRequest, client: str, model: str) -> HeldStream:
    """Queues a request before the stream begins, so that a refusal still has a status of its own.

    Raises:
        StudioError: it is not accepted.
    """
    held = contextlib.AsyncExitStack()
    drawing = await held.enter_async_context(open_drawing(app.tasks, wanted, client, "ollama"))
    return HeldStream(_lines(app, drawing, model), held, _NDJSON, {})


async def _lines(app: Services, drawing: Drawing, model: str) -> AsyncIterator[bytes]:
    try:
        seen = -1
        async for task in drawing.changes():
            if not task.status.is_final and task.current_step != seen:
                seen = task.current_step
                yield _line(present_step(model, task))
        yield _line(await run_in_threadpool(present_end, model, completed(task), app.history))
    except StudioError as error:
        yield _line({"error": str(error)})


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode() + b"\n"


async def _read(request: Request, kind: type[Body]) -> Body:
    """Returns the body of a request, whatever it says that it is."""
    content = await request.body()
    try:
        return await run_in_threadpool(kind.model_validate_json, content or b"{}")
    except ValidationError as error:
        problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from error
