"""Requests of Ollama's API to ours, and tasks to the lines of its answer. Pure functions but for the kept image."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

from fastapi.exceptions import RequestValidationError
from PIL import Image
from pydantic import ValidationError

from backend.api.compat.ollama.models import as_text
from backend.api.compat.ollama.wire import GenerateBody, ImageOptions
from backend.api.compat.values import build_request, decode_image, nearest_side
from backend.models.edit import FromInput
from backend.models.schemas import MAX_SIDE_PX, MIN_SIDE_PX, ErrorDetail, GenerateRequest
from backend.services.errors import InputRefused
from backend.services.images.fitting import fit_image
from backend.services.images.inputs import InputStore
from backend.services.images.store import HistoryStore
from backend.services.library.model_entry import ModelEntry
from backend.services.tasks.records import TaskRecord
from backend.utils.clock import utc_now

_NAMES = {"num_inference_steps": "steps"}
_STATUS_OF_CODE = {"unknown_model": 404, "model_not_installed": 404, "cancelled": 499, "interrupted": 503}
_NS = 10**9


def translate(body: GenerateBody, model: ModelEntry, inputs: InputStore) -> GenerateRequest:
    """Translates a request for an image; one that it is drawn from is kept, in the size asked for.

    Raises:
        RequestValidationError: a value is not allowed.
        InputRefused: there are several images, or one is none.
        UnreadableImage: the image cannot be decoded.
    """
    options = _read_options(body.options)
    width, height = body.width or options.width, body.height or options.height
    values: dict[str, object] = {
        "prompt": body.prompt,
        "negative_prompt": options.negative_prompt,
        "width": nearest_side(width) if width else None,
        "height": nearest_side(height) if height else None,
        "num_inference_steps": body.steps or options.steps or options.num_steps or model.default_steps,
        "seed": options.seed if options.seed >= 0 else None,
        "model": model.id,
        "strength": options.strength,
    }
    if len(body.images) > 1:
        raise InputRefused("images", f"An image is drawn from one image at most; you sent {len(body.images)}.")
    if body.images:
        file = decode_image(body.images[0], "images")
        kept, _ = inputs.add(file, _fitting(values["width"], values["height"]))
        values["init_image"] = FromInput(input_id=kept.id)
    return build_request(values, _NAMES)


def _read_options(options: dict[str, Any]) -> ImageOptions:
    try:
        return ImageOptions.model_validate(options)
    except ValidationError as error:
        problems = [{**problem, "loc": ("body", "options", *problem["loc"])} for problem in error.errors()]
        raise RequestValidationError(problems) from error


def _fitting(width: object, height: object) -> Callable[[Image.Image], Image.Image] | None:
    """Returns what cuts an image to a size, if that is told and allowed; else it keeps its own."""
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    if not all(MIN_SIDE_PX <= side <= MAX_SIDE_PX for side in (width, height)):
        return None
    return lambda image: fit_image(image, (width, height), "crop")


def present_step(model: str, task: TaskRecord) -> dict[str, Any]:
    """Returns the line of a task that is not finished."""
    return {**_head(model), "completed": task.current_step, "total": task.total_steps, "done": False}


def present_end(model: str, task: TaskRecord, history: HistoryStore) -> dict[str, Any]:
    """Returns the last line, with the image as base64."""
    timings = task.timings
    total_s = sum(value for value in timings.model_dump().values() if value is not None)
    content = history.image_path(task.images[0].id).read_bytes()
    return {
        **_head(model),
        "done": True,
        "done_reason": "stop",
        "total_duration": round(total_s * _NS),
        "load_duration": round((timings.load_s or 0) * _NS),
        "prompt_eval_duration": round((timings.encode_s or 0) * _NS),
        "eval_count": task.total_steps,
        "eval_duration": round((timings.denoise_s or 0) * _NS),
        "image": base64.b64encode(content).decode("ascii"),
    }


def present_nothing(model: str, reason: str) -> dict[str, Any]:
    """Returns the answer to a request without a prompt, by which a model is loaded or unloaded."""
    return {**_head(model), "done": True, "done_reason": reason}


def _head(model: str) -> dict[str, Any]:
    return {"model": model, "created_at": as_text(utc_now()), "response": ""}


def translate_error(status: int, error: ErrorDetail) -> tuple[int, dict[str, object]]:
    """Returns status and body of an error as Ollama has them."""
    status = _STATUS_OF_CODE.get(error.code, 400 if status == 422 else status)
    return status, {"error": error.message}
