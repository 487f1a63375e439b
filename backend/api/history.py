"""Images: the history, its trash, downloads, thumbnails, the latest one."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse
from pydantic import BeforeValidator

from backend.api.deps import App, Config, History, Importer, Inputs, Owner, link_to
from backend.api.errors import documented
from backend.api.presenters import present_image
from backend.models.gallery import (
    MAX_TAG_CHARACTERS,
    BulkRequest,
    BulkResult,
    ExportRequest,
    FileName,
    ImageChange,
    ReadResult,
    ThumbnailWidth,
)
from backend.models.recipe import INPUT_ID_PATTERN, MAX_NAME_CHARACTERS
from backend.models.schemas import Door, HistoryPage, ImageInfo, ImageLink, ImageRecord
from backend.services.errors import UnknownImage
from backend.services.images.index import HistoryQuery
from backend.services.images.metadata.foreign import read_parameters
from backend.services.images.store import Change
from backend.services.images.tags import with_favourite, with_tag, with_tags, without_tag
from backend.services.images.zip import stream_zip

router = APIRouter(tags=["pictures"])

_NEVER_CHANGES = {"Cache-Control": "private, max-age=31536000, immutable"}
_CURSOR_PATTERN = r"^[0-9]{1,18}-[0-9a-f]{32}$"


async def _own_image_id(
    image_id: Annotated[str, Path(description="Id of an image.")], history: History, owner: Owner
) -> str:
    """Returns the id of an image that the client may see; others do not exist for it."""
    if not history.own([image_id], owner):
        raise UnknownImage
    return image_id


ImageId = Annotated[str, Depends(_own_image_id)]


def _day_or_moment(value: object) -> object:
    """Keeps a date a date; Pydantic alone would make it midnight."""
    return date.fromisoformat(value) if isinstance(value, str) and len(value) == len("2026-01-01") else value


Moment = Annotated[datetime | date, BeforeValidator(_day_or_moment)]


async def _query(
    owner: Owner,
    page: Annotated[int, Query(ge=1, le=10**9, description="Counted from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    q: Annotated[
        str,
        Query(
            max_length=200,
            description="Words of prompt, tags and LoRAs that must all be there; one may be a seed. "
            'What `-word` says must not be there; `"two words"` stand together.',
        ),
    ] = "",
    model: Annotated[str | None, Query(max_length=100)] = None,
    favourite: Annotated[bool | None, Query()] = None,
    tag: Annotated[str | None, Query(max_length=MAX_TAG_CHARACTERS)] = None,
    min_side: Annotated[int | None, Query(ge=1, le=65536, description="Least pixels of the longer side.")] = None,
    max_side: Annotated[int | None, Query(ge=1, le=65536, description="Most pixels of the longer side.")] = None,
    since: Annotated[Moment | None, Query(alias="from", description="ISO date or moment.")] = None,
    until: Annotated[
        Moment | None, Query(alias="to", description="ISO date, which is included, or moment, which is not.")
    ] = None,
    sort: Annotated[Literal["newest", "oldest"], Query()] = "newest",
    after: Annotated[
        str | None, Query(pattern=_CURSOR_PATTERN, description="`next_cursor` of the page before.")
    ] = None,
    trash: Annotated[bool, Query(description="The images in the trash instead of the others.")] = False,
    made_from: Annotated[
        str | None,
        Query(pattern=INPUT_ID_PATTERN, description="`pixel_hash` of an image, or an input, drawn from or painted on."),
    ] = None,
    pixel_hash: Annotated[
        str | None, Query(pattern=INPUT_ID_PATTERN, description="`pixel_hash` of an image, or an input that it became.")
    ] = None,
    lora: Annotated[
        str | None, Query(max_length=MAX_NAME_CHARACTERS, description="Name of a LoRA that acts on the image.")
    ] = None,
    door: Annotated[Door | None, Query(description="Protocol of another program that it was asked for by.")] = None,
) -> HistoryQuery:
    return HistoryQuery(
        page=page,
        page_size=page_size,
        text=q,
        model=model,
        favourite=favourite,
        tag=tag,
        min_side_px=min_side,
        max_side_px=max_side,
        since=_moment(since),
        until=_moment(until, end_of_day=True),
        order=sort,
        after=after,
        trash=trash,
        owner=owner,
        made_from=made_from,
        pixel_hash=pixel_hash,
        lora=lora,
        door=door,
    )


def _moment(value: datetime | date | None, *, end_of_day: bool = False) -> datetime | None:
    """Returns a date's beginning or end; a time without a zone is UTC."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if end_of_day and value < date.max:
        value += timedelta(days=1)
    return datetime.combine(value, time(), UTC)


@router.get("/history", responses=documented(422))
def get_history(history: History, settings: Config, query: Annotated[HistoryQuery, Depends(_query)]) -> HistoryPage:
    """Returns a page of images, newest first. A page behind the last one is empty."""
    found = history.find(query)
    images = [present_image(record, settings.api_address) for record in found.records]
    return HistoryPage(
        images=images, total=found.total, page=query.page, page_size=query.page_size, next_cursor=found.next_cursor
    )


@router.post("/history/bulk", responses=documented(400, 413, 422, 507))
def change_many(request: BulkRequest, history: History, owner: Owner) -> BulkResult:
    """Applies one action to many images. Those that do not exist are `missing`."""
    ids = history.own(request.ids, owner)
    if request.action == "delete":
        records = history.trash(ids)
    elif request.action == "restore":
        records = history.restore(ids)
    else:
        records = history.change(ids, _change_of(request))
    done = {record.id for record in records}
    return BulkResult(
        done=[image_id for image_id in dict.fromkeys(request.ids) if image_id in done],
        missing=[image_id for image_id in dict.fromkeys(request.ids) if image_id not in done],
    )


def _change_of(request: BulkRequest) -> Change:
    tag = request.tag
    if tag is None:
        return lambda record: with_favourite(record, request.action == "favourite")
    if request.action == "tag":
        return lambda record: with_tag(record, tag)
    return lambda record: without_tag(record, tag)


@router.post(
    "/history/export",
    response_class=StreamingResponse,
    responses={
        **documented(400, 404, 413, 422),
        200: {"content": {"application/zip": {}}, "description": "The images as PNG files."},
    },
)
def export(request: ExportRequest, history: History, inputs: Inputs, owner: Owner) -> StreamingResponse:
    """Streams a zip of images, and of the inputs that they were drawn from. Those that do not exist are left out."""
    files = []
    sources: dict[str, None] = {}
    for image_id in history.own(request.ids, owner):
        try:
            path = history.image_path(image_id)
        except UnknownImage:
            continue
        files.append((path, request.names.get(image_id, path.name)))
        sources |= dict.fromkeys(history.get(image_id).origins)
    if not files:
        raise UnknownImage("None of these pictures exists.")
    files += [(path, f"inputs/{path.name}") for path in inputs.paths(sources)]
    headers = {"Content-Disposition": 'attachment; filename="zimage-pictures.zip"'}
    return StreamingResponse(stream_zip(files), media_type="application/zip", headers=headers)


@router.post("/history/read", responses=documented(400, 413, 422))
def read_picture(file: UploadFile) -> ReadResult:
    """Reads the parameters of an image by this program, A1111, ComfyUI, InvokeAI or SwarmUI. Nothing is stored."""
    return read_parameters(file.file)


@router.post(
    "/history/import",
    status_code=201,
    responses={
        **documented(400, 413, 422, 507),
        200: {"model": ImageInfo, "description": "The image was there already; it is out of the trash now."},
    },
)
def import_picture(
    file: UploadFile, importer: Importer, settings: Config, owner: Owner, response: Response
) -> ImageInfo:
    """Imports an image by this program, A1111, ComfyUI, InvokeAI or SwarmUI. Its pixels stay the same."""
    record, is_new = importer.add(file.file, owner)
    response.status_code = 201 if is_new else 200
    return present_image(record, settings.api_address)


@router.patch("/history/{image_id}", responses=documented(400, 404, 413, 422, 507))
def change_image(image_id: ImageId, request: ImageChange, history: History, settings: Config) -> ImageInfo:
    """Sets whether an image is a favourite, and its tags."""

    def change(record: ImageRecord) -> ImageRecord:
        if request.favourite is not None:
            record = with_favourite(record, request.favourite)
        return record if request.tags is None else with_tags(record, request.tags)

    return _changed(history.change([image_id], change), settings)


@router.delete("/history/{image_id}", status_code=204, responses=documented(404, 409, 422, 507))
def delete_image(
    image_id: ImageId,
    history: History,
    permanent: Annotated[bool, Query(description="For good; only out of the trash.")] = False,
) -> Response:
    """Moves an image to the trash, or deletes it from there for good."""
    if permanent:
        history.delete(image_id)
    elif not history.trash([image_id]):
        history.get(image_id)  # raises
    return Response(status_code=204)


@router.post("/history/{image_id}/restore", responses=documented(404, 422, 507))
def restore_image(image_id: ImageId, history: History, settings: Config) -> ImageInfo:
    """Restores an image from the trash."""
    return _changed(history.restore([image_id]), settings)


def _changed(records: list[ImageRecord], settings: Config) -> ImageInfo:
    if not records:
        raise UnknownImage
    return present_image(records[0], settings.api_address)


@router.get("/images/latest", responses=documented(404))
def get_latest(history: History, settings: Config, owner: Owner) -> ImageInfo:
    """Returns the newest image."""
    return present_image(history.latest(owner), settings.api_address)


@router.get(
    "/images/{image_id}/thumbnail",
    response_class=FileResponse,
    responses={**documented(404, 422), 200: {"content": {"image/webp": {}}, "description": "The thumbnail."}},
)
def get_thumbnail(
    image_id: ImageId,
    history: History,
    w: Annotated[ThumbnailWidth | None, Query(description="Pixels from left to right, for `srcset`.")] = None,
) -> Response:
    """Returns a WebP of at most 384 pixels a side, or `w` wide. It is never larger than the image."""
    found = history.thumbnail(image_id, w)
    if isinstance(found, bytes):
        return Response(found, media_type="image/webp", headers=_NEVER_CHANGES)
    return FileResponse(found, media_type="image/webp", headers=_NEVER_CHANGES)


@router.get(
    "/download/{image_id}",
    response_class=FileResponse,
    responses={**documented(404, 422), 200: {"content": {"image/png": {}}, "description": "The image."}},
)
def download(
    image_id: ImageId,
    history: History,
    name: Annotated[FileName | None, Query(description="Name to save it under; its own without.")] = None,
) -> FileResponse:
    """Returns an image as PNG with its parameters inside."""
    path = history.image_path(image_id)
    return FileResponse(path, media_type="image/png", filename=name or path.name, headers=_NEVER_CHANGES)


@router.get("/download/{image_id}/link", responses=documented(404, 422))
def get_link(image_id: ImageId, app: App, response: Response) -> ImageLink:
    """Returns an address of the PNG that opens without the token for an hour, to be given to a person or a program.

    Where each token has images of its own (`ZIMAGE_HISTORY_PER_TOKEN`), the address needs the token.
    """
    response.headers["Cache-Control"] = "no-store"
    return link_to(image_id, app)
