"""The door of AUTOMATIC1111's web UI."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from backend.api.compat.a1111 import control, drawing, lists
from backend.api.compat.a1111.models import ChosenModels
from backend.api.compat.a1111.present import translate_error
from backend.api.compat.door import Door
from backend.models.config import Settings

PREFIX = "/sdapi/v1"


def _routes() -> APIRouter:
    router = APIRouter(prefix=PREFIX, include_in_schema=False)
    for room in (drawing, control, lists):
        router.include_router(room.router)
    return router


def _prepare(app: FastAPI) -> None:
    app.state.a1111_models = ChosenModels()


def _is_on(settings: Settings) -> bool:
    return settings.a1111


A1111 = Door(
    name="a1111",
    prefix=PREFIX,
    router=_routes(),
    is_on=_is_on,
    translate_error=translate_error,
    upload_paths=tuple(
        f"{PREFIX}/{what}"
        for what in ("img2img", "extra-single-image", "extra-batch-images", "png-info", "interrogate")
    ),
    prepare=_prepare,
    base_path="",
)
