"""Streams of the OpenAI Images API: partial images, then each finished one."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Mapping

import anyio.to_thread
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event

from backend.api.compat.drawing import Drawing, completed
from backend.api.compat.openai.answers import encode, in_base64, read_picture, size_text, usage_of
from backend.api.compat.openai.errors import error_event
from backend.api.compat.openai.orders import Order
from backend.api.compat.streams import with_pauses
from backend.api.deps import Services
from backend.models.schemas import ImageRecord
from backend.services.errors import StudioError
from backend.services.generation.events import Partial
from backend.services.tasks.records import TaskRecord

KEEP_ALIVE_S = 15.0


async def stream_images(services: Services, order: Order, drawing: Drawing) -> AsyncIterator[bytes]:
    """Yields the events of a task; an error is the last one."""
    try:
        async for event in _events(services, order, drawing):
            yield event
    except StudioError as error:
        yield _event("error", error_event(error))


async def _events(services: Services, order: Order, drawing: Drawing) -> AsyncIterator[bytes]:
    kind = "image_edit" if order.is_edit else "image_generation"
    shown: tuple[Partial, ...] = ()
    finished = set[str]()
    last: TaskRecord | None = None
    async for task in with_pauses(drawing.changes(), KEEP_ALIVE_S):
        if task is None:
            yield KEEPALIVE_COMMENT
            continue
        last = task
        for image in task.images:  # several workers end in any order
            if image.id not in finished:
                finished.add(image.id)
                yield await anyio.to_thread.run_sync(_finished, services, order, task, image, f"{kind}.completed")
        partials = services.tasks.partials(task.id)
        for partial in partials:
            if not any(partial is other for other in shown):
                yield await anyio.to_thread.run_sync(_unfinished, order, partial, f"{kind}.partial_image")
        shown = partials
    if last is not None:
        completed(last)


def _unfinished(order: Order, partial: Partial, name: str) -> bytes:
    image = partial.image
    data = {
        **_common(order, encode(image, order.format, order.compression), f"{image.width}x{image.height}"),
        "created_at": int(time.time()),
        "partial_image_index": partial.index,
    }
    return _event(name, data)


def _finished(services: Services, order: Order, task: TaskRecord, image: ImageRecord, name: str) -> bytes:
    usage = usage_of(services, task, [image])
    data = {
        **_common(order, read_picture(services, order, image), size_text(image)),
        "created_at": int(image.created_at.timestamp()),
        **({} if usage is None else {"usage": usage.model_dump()}),
        **({} if order.safety_identifier is None else {"safety_identifier": order.safety_identifier}),
    }
    return _event(name, data)


def _common(order: Order, data: bytes, size: str) -> dict[str, object]:
    return {
        "b64_json": in_base64(data),
        "background": "opaque",
        "output_format": order.format,
        "quality": order.quality,
        "size": size,
    }


def _event(name: str, data: Mapping[str, object]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps({"type": name, **data}))
