"""Routes of the web UI's API that draw."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from backend.api.compat.a1111.extras import describe_extras, does_nothing, translate_extras
from backend.api.compat.a1111.models import ChosenModels, find_model
from backend.api.compat.a1111.pictures import keep_sources
from backend.api.compat.a1111.present import encode_record, present_drawn
from backend.api.compat.a1111.translate import Translation, translate_img2img, translate_txt2img
from backend.api.compat.a1111.wire import (
    DrawRequest,
    ExtrasBatchRequest,
    ExtrasImageRequest,
    ExtrasRequest,
    Img2ImgRequest,
    Txt2ImgRequest,
)
from backend.api.compat.drawing import open_drawing
from backend.api.compat.values import decode_image
from backend.api.deps import App, Client, Owner, Services
from backend.models.edit import FromHistory
from backend.models.schemas import GenerateRequest, ImageRecord, Status
from backend.services.errors import Cancelled, InputRefused, StudioError
from backend.services.library.model_entry import ModelEntry
from backend.services.tasks.records import TaskRecord

router = APIRouter()


class Caller:
    """Who asks: his connection, his name, his choice of a model, and the services that he asks."""

    def __init__(self, request: Request, app: App, client: Client, owner: Owner) -> None:
        self.app: Services = app
        self.client = client
        self._request = request
        self._owner = owner
        self.chosen: ChosenModels = request.app.state.a1111_models

    def model(self, body: DrawRequest | None = None) -> ModelEntry:
        """Returns the model that a request names, else the client's.

        Raises:
            ModelError: there is none, or it is not installed.
        """
        named = str(body.override_settings.get("sd_model_checkpoint") or "") if body is not None else ""
        model = find_model(self.app.catalogue, named or self.chosen.of(self.client))
        if named and body is not None and not body.override_settings_restore_afterwards:
            self.chosen.choose(self.client, model.id)
        return model

    async def draw(self, request: GenerateRequest) -> TaskRecord:
        """Draws what a request asks for; one that was interrupted has the images that were finished.

        Raises:
            StudioError: it was not accepted, has failed, or was ended before it had an image.
        """
        tasks = self.app.tasks
        request = await run_in_threadpool(self.app.sources.keep, request, self._owner)
        async with open_drawing(tasks, request, self.client, "a1111") as drawing:
            try:
                return await drawing.finished_for(self._request)
            except StudioError as error:
                task = tasks.get(drawing.task_id)
                if error.code != Cancelled.code or task.status is not Status.CANCELLED or not task.images:
                    raise
                return task


Asking = Depends(Caller)


@router.post("/txt2img")
async def txt2img(body: Txt2ImgRequest, caller: Caller = Asking) -> dict[str, Any]:
    """Draws images from words."""
    settings = caller.app.settings
    size = settings.default_width, settings.default_height
    wanted = await run_in_threadpool(lambda: translate_txt2img(body, caller.model(body), size))
    return await _answer(body, wanted, caller)


@router.post("/img2img")
async def img2img(body: Img2ImgRequest, caller: Caller = Asking) -> dict[str, Any]:
    """Draws images from an image."""

    def translate() -> Translation:
        model = caller.model(body)
        return translate_img2img(body, model, keep_sources(body, caller.app.inputs))

    return await _answer(body, await run_in_threadpool(translate), caller)


@router.post("/extra-single-image")
async def extra_single_image(body: ExtrasImageRequest, caller: Caller = Asking) -> dict[str, Any]:
    """Enlarges an image."""
    image, note = await _enlarge(body, body.image, "image", caller)
    return {"html_info": note, "image": image}


@router.post("/extra-batch-images")
async def extra_batch_images(body: ExtrasBatchRequest, caller: Caller = Asking) -> dict[str, Any]:
    """Enlarges images, one after the other."""
    if not body.imageList:
        raise InputRefused("imageList", "There is no image to enlarge.")
    done = [await _enlarge(body, file.data, f"imageList.{at}", caller) for at, file in enumerate(body.imageList)]
    return {"html_info": done[0][1], "images": [image for image, _ in done]}


async def _answer(body: DrawRequest, wanted: Translation, caller: Caller) -> dict[str, Any]:
    task = await caller.draw(wanted.request)
    records = list(task.images)
    if wanted.second is not None and task.status is Status.COMPLETED:
        records = await _draw_larger(records, wanted.second, caller)
    notes = [*wanted.notes, *([task.job.note] if task.job is not None and task.job.note else [])]
    return await run_in_threadpool(present_drawn, body, records, notes, caller.app.history)


async def _draw_larger(records: Sequence[ImageRecord], second: GenerateRequest, caller: Caller) -> list[ImageRecord]:
    """Draws the second pass of each image; where it is interrupted, those that are finished are all."""
    larger: list[ImageRecord] = []
    for record in records:
        source = {"init_image": FromHistory(image_id=record.id), "seed": record.seed}
        try:
            task = await caller.draw(second.model_copy(update=source))
        except StudioError as error:
            if error.code != Cancelled.code or not larger:
                raise
            break
        larger += task.images
    return larger


async def _enlarge(body: ExtrasRequest, text: str, field: str, caller: Caller) -> tuple[str, str]:
    """Returns the larger image as base64, and what became of the request."""
    is_unchanged = does_nothing(body)
    file = await run_in_threadpool(decode_image, text, field)
    kept, _ = await run_in_threadpool(caller.app.inputs.add, file)
    if is_unchanged:
        content = await run_in_threadpool(kept.path.read_bytes)
        return base64.b64encode(content).decode("ascii"), describe_extras(body, is_enlarged=False)
    request = await run_in_threadpool(lambda: translate_extras(body, file, kept, caller.model()))
    task = await caller.draw(request)
    image = await run_in_threadpool(encode_record, task.images[0], caller.app.history)
    return image, describe_extras(body, is_enlarged=True)
