"""Requests of the OpenAI Images API, as ours."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from backend.api.compat.openai.brackets import join_pieces, split_fields
from backend.api.compat.openai.schemas import EditRequest, Format, ImageRequest, Quality
from backend.models.schemas import MAX_SIDE_PX, MIN_SIDE_PX, SIDE_MULTIPLE_PX, GenerateRequest
from backend.services.errors import InputRefused, UnknownModel
from backend.services.library.catalogue import Catalogue
from backend.services.library.model_entry import AUTO

Size = tuple[int, int]
Values = dict[str, Any]

_SIZE = re.compile(r"(\d{1,5})[x×](\d{1,5})", re.IGNORECASE)
_PARAM_OF = {"width": "size", "height": "size", "num_images": "n"}
_USED_INSTEAD = {"width": "`size`, as 512x768", "height": "`size`, as 512x768", "num_images": "`n`"}
_OURS = GenerateRequest.model_fields.keys() - {"prompt", "model", "width", "height", "num_images"}
_OF_FILES = {"init_image", "mask"}
_QUALITIES: dict[str | None, Quality] = {"standard": "medium", "hd": "high", "auto": "high", None: "high"}


@dataclass(frozen=True)
class Order:
    """A request, and how its answer is to look."""

    request: GenerateRequest
    format: Format
    compression: int
    as_url: bool
    is_stream: bool
    partial_images: int
    quality: Quality
    safety_identifier: str | None
    is_edit: bool = False


def read_form(texts: Iterable[tuple[str, str]]) -> EditRequest:
    """Reads the fields of a form; an empty one is none, and what begins as JSON is JSON.

    Raises:
        RequestValidationError: one is not valid.
        InputRefused: one is in pieces that do not belong together clearly.
    """
    plain, pieces = split_fields(texts, _OURS)
    values = {name: _value_of(name, text) for name, text in plain.items() if text or name == "prompt"}
    values |= join_pieces(pieces)
    try:
        return EditRequest.model_validate(values)
    except ValidationError as error:
        raise _refusal(error.errors()) from error


def _value_of(name: str, text: str) -> object:
    if name not in _OURS or not text.startswith(("{", "[")) or name == "negative_prompt":
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text  # which is then refused as what it is


def size_of(text: str | None) -> Size | None:
    """Returns width and height; None for `auto`.

    Raises:
        InputRefused: it is no size that can be drawn; the message names the nearest.
    """
    if text in (None, "", "auto"):
        return None
    found = _SIZE.fullmatch(text or "")
    rule = f"sides are multiples of {SIDE_MULTIPLE_PX} from {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels"
    if found is None:
        raise InputRefused("size", f"This must be WIDTHxHEIGHT, as 1024x1024, or auto; {rule}.")
    size = (int(found[1]), int(found[2]))
    nearest = (_nearest_side(size[0]), _nearest_side(size[1]))
    if size != nearest:
        raise InputRefused("size", f"There are no images of {text}: {rule}. The nearest is {nearest[0]}x{nearest[1]}.")
    return size


def _nearest_side(side_px: int) -> int:
    return min(MAX_SIDE_PX, max(MIN_SIDE_PX, round(side_px / SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX))


def choose_model(name: str | None, catalogue: Catalogue, *, takes_any: bool) -> str:
    """Returns the model that a name means; one that nobody knows here is `auto`, if that is allowed.

    Raises:
        UnknownModel: that is not allowed.
        ModelNotInstalled: it is one of ours, and its weights are not here.
    """
    if not name or name == AUTO:
        return AUTO
    try:
        return catalogue.resolve(name).id
    except UnknownModel:
        if takes_any:
            return AUTO
        raise


def make_order(wanted: ImageRequest, model: str, size: Size | None, sources: Values | None = None) -> Order:
    """Translates a request.

    Args:
        wanted: What the client has sent.
        model: One of ours.
        size: To ask for; None for what the settings or the image say.
        sources: Fields of ours that name images.

    Raises:
        RequestValidationError: a field is unknown or not valid; the names are those that were sent.
        InputRefused: fields contradict each other.
    """
    output_format = wanted.output_format or "png"
    compression = wanted.output_compression
    if output_format == "png" and compression not in (None, 100):
        raise InputRefused("output_compression", "PNG is lossless: leave this out, or choose webp or jpeg.")
    is_stream = bool(wanted.stream)
    if is_stream and wanted.response_format == "url":
        raise InputRefused("response_format", "A stream carries the images themselves: leave this out, or b64_json.")
    return Order(
        request=_request_of(wanted, model, size, sources or {}),
        format=output_format,
        compression=100 if compression is None else compression,
        as_url=wanted.response_format == "url",
        is_stream=is_stream,
        partial_images=wanted.partial_images or 0 if is_stream else 0,
        quality=_QUALITIES.get(wanted.quality) or cast("Quality", wanted.quality),
        safety_identifier=wanted.safety_identifier or wanted.user or None,
        is_edit=bool(sources),
    )


def _request_of(wanted: ImageRequest, model: str, size: Size | None, sources: Values) -> GenerateRequest:
    extras = {name: value for name, value in (wanted.model_extra or {}).items() if value is not None}
    allowed = _OURS - (_OF_FILES if sources else set())
    unknown = [_unknown(name) for name in extras if name not in allowed]
    if unknown:
        raise _refusal(unknown, {})
    if None not in (wanted.steps, wanted.num_inference_steps) and wanted.steps != wanted.num_inference_steps:
        told = f"This is another name of `num_inference_steps`, which is {wanted.num_inference_steps}: send one of them"
        raise _refusal([_problem("steps", "value_error", told)])
    steps_name: Literal["steps", "num_inference_steps"] = "steps" if wanted.steps is not None else "num_inference_steps"
    values: Values = {**extras, **sources, "prompt": wanted.prompt, "model": model}
    values |= {
        name: value
        for name, value in (("num_images", wanted.n), ("num_inference_steps", getattr(wanted, steps_name)))
        if value is not None
    }
    if size is not None:
        values |= {"width": size[0], "height": size[1]}
    try:
        return GenerateRequest.model_validate(values, strict=False)  # a form has nothing but text
    except ValidationError as error:
        renamed = {**_PARAM_OF, "num_inference_steps": steps_name}
        raise _refusal(error.errors(), renamed) from error


def _unknown(name: str) -> ErrorDetails:
    other = _USED_INSTEAD.get(name)
    return (
        _problem(name, "value_error", f"There is no such field here: use {other}")
        if other
        else _problem(name, "extra_forbidden", "")
    )


def _problem(name: str, kind: str, message: str) -> ErrorDetails:
    return {"type": kind, "loc": (name,), "msg": message, "input": None}


def _refusal(problems: list[ErrorDetails], renamed: Mapping[str, str] = _PARAM_OF) -> RequestValidationError:
    def place(problem: ErrorDetails) -> tuple[int | str, ...]:
        first, *others = problem["loc"] or ("body",)
        return ("body", renamed.get(str(first), first), *others)

    return RequestValidationError([{**problem, "loc": place(problem)} for problem in problems])
