"""Pictures: the history, downloads, thumbnails, the latest one."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import FileResponse

from backend.api.dependencies import Config, History
from backend.api.errors import documented
from backend.api.presenters import present_image
from backend.models.schemas import ID_PATTERN, HistoryPage, ImageInfo

router = APIRouter(tags=["pictures"])

ImageId = Annotated[str, Path(pattern=ID_PATTERN, description="Id of a picture.")]
_NEVER_CHANGES = {"Cache-Control": "private, max-age=31536000, immutable"}


@router.get("/history", responses=documented(422))
def get_history(
    history: History,
    settings: Config,
    page: Annotated[int, Query(ge=1, le=10**9, description="Counted from 1.")] = 1,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
) -> HistoryPage:
    """Returns one page of the history, newest first; a page behind the last one is empty."""
    records, total = history.page(page, page_size)
    images = [present_image(record, settings.api_prefix) for record in records]
    return HistoryPage(images=images, total=total, page=page, page_size=page_size)


@router.delete("/history/{image_id}", status_code=204, responses=documented(404, 422, 507))
def delete_image(image_id: ImageId, history: History) -> Response:
    """Deletes a picture, its file and its thumbnail."""
    history.delete(image_id)
    return Response(status_code=204)


@router.get("/images/latest", responses=documented(404))
def get_latest(history: History, settings: Config) -> ImageInfo:
    """Returns the newest picture."""
    return present_image(history.latest(), settings.api_prefix)


@router.get(
    "/images/{image_id}/thumbnail",
    response_class=FileResponse,
    responses={**documented(404, 422), 200: {"content": {"image/webp": {}}, "description": "The thumbnail."}},
)
def get_thumbnail(image_id: ImageId, history: History) -> FileResponse:
    """Serves a WebP of at most 384 pixels a side."""
    return FileResponse(history.thumbnail_path(image_id), media_type="image/webp", headers=_NEVER_CHANGES)


@router.get(
    "/download/{image_id}",
    response_class=FileResponse,
    responses={**documented(404, 422), 200: {"content": {"image/png": {}}, "description": "The picture."}},
)
def download(image_id: ImageId, history: History) -> FileResponse:
    """Serves a picture as PNG, its parameters inside."""
    path = history.image_path(image_id)
    return FileResponse(path, media_type="image/png", filename=path.name, headers=_NEVER_CHANGES)
