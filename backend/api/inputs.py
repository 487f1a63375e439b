"""Inputs: images that are drawn from."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from backend.api.deps import Config, History, Inputs, Owner, Sources
from backend.api.errors import Responses, documented
from backend.api.forms.whole import FILE_FORM, open_form
from backend.models.config import Settings
from backend.models.edit import ControlImageRequest, FromHistory, MaskImageRequest
from backend.models.inputs import InputInfo
from backend.services.errors import UnknownImage
from backend.services.images.inputs import Input

router = APIRouter(prefix="/inputs", tags=["pictures"])

_NEVER_CHANGES = {"Cache-Control": "private, max-age=31536000, immutable"}
_RESPONSES: Responses = {
    **documented(400, 404, 413, 422, 507),
    200: {"model": InputInfo, "description": "The same pixels were here already."},
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            **FILE_FORM,
            "application/json": {"schema": {"$ref": "#/components/schemas/FromHistory"}},
        },
    }
}


@contextlib.asynccontextmanager
async def _sent(request: Request) -> AsyncIterator[UploadFile | FromHistory]:
    """Yields the file of a form, or the image that a JSON body names."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == "application/json":
        yield _named(await request.body())
        return
    async with open_form(request, "file", 1, 1, 'the JSON {"image_id": …}') as form:
        file = form.get("file")
        if isinstance(file, str) or file is None:
            raise RequestValidationError([{"type": "missing", "loc": ("body", "file"), "msg": "Field required"}])
        yield file


def _named(body: bytes) -> FromHistory:
    try:
        return FromHistory.model_validate_json(body)
    except ValidationError as error:
        problems = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from error


@router.post("", status_code=201, responses=_RESPONSES, openapi_extra=_BODY)
async def add_input(
    request: Request, inputs: Inputs, history: History, settings: Config, owner: Owner, response: Response
) -> InputInfo:
    """Keeps a PNG, JPEG, WebP or AVIF, or an image of the history, to draw from.

    It is turned upright; EXIF and the like are dropped. The same pixels again are the same input. One that no task and
    no image refers to is removed after a week.
    """

    def keep(sent: UploadFile | FromHistory) -> tuple[Input, bool]:
        if not isinstance(sent, FromHistory):
            return inputs.add(sent.file)
        if not history.own([sent.image_id], owner):
            raise UnknownImage
        return inputs.add_file(history.image_path(sent.image_id))

    async with _sent(request) as sent:
        found, is_new = await run_in_threadpool(keep, sent)
    response.status_code = 201 if is_new else 200
    return _present(found, settings)


@router.post("/control", status_code=201, responses=documented(400, 404, 413, 422, 507))
def make_control(request: ControlImageRequest, sources: Sources, settings: Config, owner: Owner) -> InputInfo:
    """Makes a control image (edges, lines …) and keeps it as an input, to be looked at and sent with `none`."""
    return _present(sources.make_control(request, owner), settings)


@router.post("/mask", status_code=201, responses=documented(400, 404, 413, 422, 507))
def make_mask(request: MaskImageRequest, sources: Sources, settings: Config, owner: Owner) -> InputInfo:
    """Makes a mask of what is transparent in an image, and keeps it as an input: that is drawn anew."""
    return _present(sources.make_mask(request, owner), settings)


@router.get(
    "/{input_id}",
    response_class=FileResponse,
    responses={**documented(404, 422), 200: {"content": {"image/png": {}}, "description": "The image."}},
)
def get_input(input_id: Annotated[str, Path(description="Id of an input.")], inputs: Inputs) -> FileResponse:
    """Returns an input as PNG."""
    return FileResponse(inputs.get(input_id).path, media_type="image/png", headers=_NEVER_CHANGES)


def _present(found: Input, settings: Settings) -> InputInfo:
    return InputInfo(
        input_id=found.id,
        width=found.width,
        height=found.height,
        format="PNG",
        has_alpha=found.has_alpha,
        size_bytes=found.size_bytes,
        url=f"{settings.api_address}/inputs/{found.id}",
    )
