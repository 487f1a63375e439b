"""Routes of the OpenAI Images API."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

import anyio.to_thread
from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.datastructures import UploadFile

from backend.api.compat.door import Door
from backend.api.compat.drawing import open_drawing
from backend.api.compat.openai.answers import Link, present_images, read_as
from backend.api.compat.openai.errors import failed_task, translate_error
from backend.api.compat.openai.events import stream_images
from backend.api.compat.openai.orders import Order, choose_model, make_order, read_form, size_of
from backend.api.compat.openai.schemas import (
    Format,
    ImageRequest,
    ImagesResponse,
    OpenAIErrorBody,
    OpenAIModel,
    OpenAIModelList,
)
from backend.api.compat.openai.uploads import EditFiles, keep_files
from backend.api.compat.streams import HeldStream
from backend.api.deps import App, Client, Owner, Services
from backend.api.errors import Responses, documented
from backend.api.forms.whole import open_form
from backend.api.middleware.scope import route_path
from backend.models.edit import ID_PATTERN
from backend.services.errors import InputRefused, StudioError, UnknownImage, UnknownModel
from backend.services.library.model_entry import AUTO

PREFIX = "/v1"
EDITS = f"{PREFIX}/images/edits"
MODEL_HEADER = "X-ZImage-Model"
MAX_FILES, MAX_FIELDS = 17, 100
STARTED_AT = int(time.time())

router = APIRouter(prefix=PREFIX, tags=["openai"])

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A name of your own for this request: posted again, it gives the images of the same task, which "
        "goes on although a connection ends.",
    ),
]
_EVENTS = {
    "text/event-stream": {
        "example": 'event: image_generation.partial_image\ndata: {"type": "image_generation.partial_image", '
        '"b64_json": "…", "partial_image_index": 0, …}\n\n'
    }
}
_RESPONSES: Responses = {
    **documented(400, 404, 409, 413, 422, 429, 503, 507),
    200: {"model": ImagesResponse, "content": _EVENTS, "description": "The images; with `stream`, events."},
}
_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["image", "prompt"],
                    "properties": {
                        "image": {"type": "string", "format": "binary"},
                        "mask": {"type": "string", "format": "binary"},
                        "prompt": {"type": "string"},
                        "size": {"type": "string"},
                        "strength": {"type": "number"},
                    },
                }
            }
        },
    }
}


@router.post("/images/generations", responses=_RESPONSES, response_model=None)
async def generate_images(
    wanted: ImageRequest,
    request: Request,
    app: App,
    client: Client,
    owner: Owner,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Draws images, and answers when they are finished; the task is cancelled if the connection ends before."""

    def order() -> Order:
        return _kept(make_order(wanted, _model(app, wanted.model), size_of(wanted.size)), app, owner)

    return await _answer(order, request, app, client, idempotency_key)


@router.post("/images/edits", responses=_RESPONSES, response_model=None, openapi_extra=_FORM)
async def edit_images(
    request: Request, app: App, client: Client, owner: Owner, idempotency_key: IdempotencyKey = None
) -> Response:
    """Draws images from an image: all of it, or what is transparent in the mask."""
    async with open_form(request, "image", MAX_FILES, MAX_FIELDS) as form:
        wanted = read_form((name, value) for name, value in form.multi_items() if isinstance(value, str))
        uploads = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
        files = _edit_files(uploads)

        def order() -> Order:
            size, model = size_of(wanted.size), _model(app, wanted.model)
            sent = replace(files, are_references=app.catalogue.resolve(model).is_omni)
            make_order(wanted, model, size, sent.placeholders)  # refuses what it can before anything is kept
            own_size = size if sent.are_references else None  # an image to begin from has the size by then
            return _kept(make_order(wanted, model, own_size, keep_files(sent, size, app.inputs)), app, owner)

        return await _answer(order, request, app, client, idempotency_key)


def _edit_files(uploads: list[tuple[str, UploadFile]]) -> EditFiles:
    names = {name.partition("[")[0] for name, _ in uploads}
    others = sorted(names - {"image", "mask"})
    if others:
        allowed = "`image` and `mask` are the files of an edit"
        raise InputRefused(others[0][:100], f"This cannot be used: {allowed}.")
    masks = [file.file for name, file in uploads if name == "mask"]
    images = [file.file for name, file in uploads if name.partition("[")[0] == "image"]
    return EditFiles(images, masks[0] if masks else None)


def _kept(order: Order, app: Services, owner: str | None) -> Order:
    """Keeps the images of the history that an order names beside its files, such as control images."""
    return replace(order, request=app.sources.keep(order.request, owner))


def _model(app: Services, name: str | None) -> str:
    return choose_model(name, app.catalogue, takes_any=app.settings.openai_any_model)


async def _answer(
    order_of: Callable[[], Order], request: Request, app: Services, client: str, key: str | None
) -> Response:
    order = await anyio.to_thread.run_sync(order_of)
    async with contextlib.AsyncExitStack() as stack:
        drawing = await stack.enter_async_context(
            open_drawing(app.tasks, order.request, client, "openai", key, order.partial_images)
        )
        job = app.tasks.get(drawing.task_id).job
        headers = {MODEL_HEADER: job.recipe.model.encode("ascii", "replace").decode()} if job is not None else {}
        if order.is_stream:
            events = stream_images(app, order, drawing)
            return HeldStream(events, stack.pop_all(), "text/event-stream", headers)
        try:
            task = await drawing.finished_for(request)
            link = _linker(request, app, order)
            body = await anyio.to_thread.run_sync(lambda: present_images(app, order, task, link).model_dump_json())
        except StudioError as error:
            return failed_task(error)
        return Response(body, media_type="application/json", headers=headers)


def _linker(request: Request, app: Services, order: Order) -> Link:
    query = "" if order.format == "png" else f"?compression={order.compression}"

    def link(image_id: str) -> str:
        path = f"{PREFIX}/images/files/{image_id}.{order.format}"
        signed = app.links.sign(path) if app.access_tokens.required else ""
        base = f"{str(request.base_url).rstrip('/')}{path}{query}"
        return base + (f"{'&' if query else '?'}{signed}" if signed else "")

    return link


@router.get(
    "/images/files/{image_id}.{output_format}",
    response_class=Response,
    responses={
        **documented(404, 422),
        200: {"content": {"image/png": {}, "image/webp": {}, "image/jpeg": {}}, "description": "The image."},
    },
)
def get_image_file(
    image_id: Annotated[str, Path(pattern=ID_PATTERN, description="Id of an image.")],
    output_format: Format,
    request: Request,
    app: App,
    client: Client,
    compression: Annotated[int, Query(ge=0, le=100, description="Quality of webp and jpeg.")] = 100,
) -> Response:
    """Returns an image to whom its `url` was given, or who has the token."""
    is_signed = app.links.opens(route_path(request.scope), request.url.query)
    owner = client if app.settings.history_per_token and not is_signed else None
    if not app.history.own([image_id], owner):
        raise UnknownImage
    data = read_as(app.history.image_path(image_id), output_format, compression)
    return Response(data, media_type=f"image/{output_format}", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/models")
def list_openai_models(app: App) -> OpenAIModelList:
    """Lists the installed models, and `auto`, which is the best of them."""
    return OpenAIModelList(data=[OpenAIModel(id=name, created=STARTED_AT) for name in _names(app)])


@router.get("/models/{model_id:path}", responses=documented(404, 422))
def get_openai_model(model_id: Annotated[str, Path(description="Id of a model.")], app: App) -> OpenAIModel:
    """Returns a model of the list."""
    if model_id not in _names(app):
        raise UnknownModel(f"There is no model {model_id!r}; installed: {', '.join(_names(app))}.")
    return OpenAIModel(id=model_id, created=STARTED_AT)


def _names(app: Services) -> list[str]:
    return [AUTO, *(model.id for model in app.catalogue.models() if model.installed)]


OPENAI = Door(
    name="openai",
    prefix=PREFIX,
    router=router,
    is_on=lambda settings: settings.openai,
    translate_error=translate_error,
    error_model=OpenAIErrorBody,
    upload_paths=(EDITS,),
)
