"""LoRAs: list, look at, send, delete."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from backend.api.deps import App
from backend.api.errors import FormExpected, Responses, documented
from backend.api.forms.file_stream import FileStream, MalformedForm
from backend.api.forms.whole import FILE_FORM
from backend.api.presenters import present_lora
from backend.models.loras import LoraInfo, LoraList
from backend.models.schemas import MAX_MODEL_CHARACTERS
from backend.services.library.loras.catalogue import Lora
from backend.services.library.loras.uploads import LoraUploads, Upload
from backend.services.library.model_entry import AUTO

router = APIRouter(prefix="/loras", tags=["loras"])

BLOCK_BYTES = 2**20
"""What is written at a time: a thread for every piece of the network would cost more than the disk."""
LoraName = Annotated[str, Path(description="Name of a LoRA; slashes are a part of it.")]
_KEPT_FOR_LONG = {"Cache-Control": "private, max-age=31536000, immutable"}
_RESPONSES: Responses = {
    **documented(400, 409, 413, 422, 507),
    200: {"model": LoraInfo, "description": "A file with this content is here already."},
}
_BODY = {"requestBody": {"required": True, "content": FILE_FORM}}


@router.get("", response_class=Response, responses={**documented(422), 200: {"model": LoraList}})
def list_loras(
    app: App,
    model: Annotated[
        str, Query(min_length=1, max_length=MAX_MODEL_CHARACTERS, description="Model that they are matched with.")
    ] = AUTO,
) -> Response:
    """Lists the LoRAs, and whether a model takes them. Of many new files some may be still to be read (`n_unread`)."""
    contents = app.loras.catalogue.look(app.loras.architecture_of(model))
    own = app.loras.removals.find_own(contents.loras)
    return Response(app.lora_lists.present(contents, own), media_type="application/json")


@router.post("", status_code=201, responses=_RESPONSES, openapi_extra=_BODY)
async def add_lora(request: Request, app: App, response: Response) -> LoraInfo:
    """Keeps a LoRA, a `.safetensors` file. Refused when it is none, or when another file has its name."""
    lora, is_new = await _receive(request, app.loras.uploads)
    response.status_code = 201 if is_new else 200
    own = await run_in_threadpool(app.loras.removals.find_own, [lora])
    return present_lora(lora, app.settings.api_address, is_own=bool(own))


@router.get(
    "/{name:path}/preview",
    response_class=Response,
    responses={**documented(404, 422), 200: {"content": {"image/webp": {}}, "description": "The preview."}},
)
def get_preview(
    name: LoraName,
    app: App,
    v: Annotated[  # noqa: ARG001 — it makes the address of each preview a new one
        str | None, Query(max_length=40, description="As in the `preview` of the list, against caches.")
    ] = None,
) -> Response:
    """Returns the preview of a LoRA, a small WebP: the picture beside it, or that in its header."""
    return Response(app.loras.catalogue.preview(name), media_type="image/webp", headers=_KEPT_FOR_LONG)


@router.delete("/{name:path}", status_code=204, response_class=Response, responses=documented(404, 409, 422))
def delete_lora(name: LoraName, app: App) -> Response:
    """Deletes a LoRA that was sent here or lies in a folder of ours, with the files beside it. No task may need it."""
    app.loras.removals.remove(name)
    return Response(status_code=204)


async def _receive(request: Request, uploads: LoraUploads) -> tuple[Lora, bool]:
    """Writes a file as it comes; whatever goes wrong, nothing of it stays."""
    upload: Upload | None = None
    waiting = bytearray()
    try:
        form = FileStream(request.headers.get("content-type", ""), "file")
        async for piece in request.stream():
            waiting += form.feed(piece)
            if upload is None and form.filename is not None:
                upload = await run_in_threadpool(uploads.begin, form.filename, _declared_bytes(request))
            if upload is not None and len(waiting) >= BLOCK_BYTES:
                content, waiting = bytes(waiting), bytearray()
                await run_in_threadpool(upload.write, content)
        form.finish()
        if upload is None:
            raise RequestValidationError([{"type": "missing", "loc": ("body", "file"), "msg": "Field required"}])
        await run_in_threadpool(upload.write, bytes(waiting))
        return await run_in_threadpool(upload.finish)
    except MalformedForm as error:
        raise FormExpected("file") from error
    except ClientDisconnect as error:
        raise HTTPException(400) from error
    finally:
        if upload is not None:
            upload.abort()  # of one that was kept, nothing is left to remove


def _declared_bytes(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
