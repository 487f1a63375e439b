"""What clients of other programs send: lenient bodies, images in base64, and our request from theirs."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from io import BytesIO
from typing import Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from backend.models.schemas import MAX_MODEL_CHARACTERS, MAX_SIDE_PX, MIN_SIDE_PX, SIDE_MULTIPLE_PX, GenerateRequest
from backend.services.errors import InputRefused


class Lenient(BaseModel):
    """A body of another program: unknown fields are ignored, and null is what is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _without_null(cls, values: Any) -> Any:
        _refuse_unsendable(values)
        if not isinstance(values, dict):
            return values
        return {name: value for name, value in values.items() if value is not None}


def _refuse_unsendable(value: Any) -> None:
    """Refuses what JSON can bring in, and no answer can repeat: infinite numbers, and halves of characters."""
    if isinstance(value, dict):
        for name, inner in value.items():
            _refuse_unsendable(name)
            _refuse_unsendable(inner)
    elif isinstance(value, list):
        for inner in value:
            _refuse_unsendable(inner)
    elif isinstance(value, float) and not math.isfinite(value):
        raise PydanticCustomError("finite_number", "There is an infinite number, or one that is none.")
    elif isinstance(value, str) and not value.isascii() and value.encode("utf-8", "replace").decode() != value:
        raise PydanticCustomError("string_unicode", "There is a text that is not valid Unicode.")


def shortened(name: str) -> str:
    """Returns a name of a client's for a message: no longer than one of ours may be."""
    return name if len(name) <= MAX_MODEL_CHARACTERS else f"{name[: MAX_MODEL_CHARACTERS - 1]}…"


def decode_image(text: str, field: str) -> BytesIO:
    """Returns the file that a base64 text or a `data:` URL holds; whether it is an image is not looked at.

    Raises:
        InputRefused: it is no base64, or the address of an image elsewhere.
    """
    text = "".join(text.split())
    if text[:8].lower().startswith(("http://", "https://")):
        raise InputRefused(field, "Images are not fetched from addresses here: send the file in base64.")
    if text[:5].lower() == "data:":
        text = text.partition(",")[2]
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise InputRefused(field, "This is no image in base64.")
    return BytesIO(data)


def build_request(values: Mapping[str, object], names: Mapping[str, str]) -> GenerateRequest:
    """Returns our request.

    Args:
        values: its fields; None is left out.
        names: what the client calls a field of ours that it may have sent wrongly.

    Raises:
        RequestValidationError: the client sent what is not allowed; it is told by its own names.
    """
    try:
        return GenerateRequest.model_validate({name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        raise RequestValidationError(
            [{**problem, "loc": ("body", _renamed(problem["loc"], names))} for problem in error.errors()]
        ) from error


def _renamed(location: tuple[int | str, ...], names: Mapping[str, str]) -> str:
    field = ".".join(str(part) for part in location)
    return names.get(field, field)


def nearest_side(side_px: int) -> int:
    """Returns the nearest side that can be asked for; what is out of bounds stays, to be refused with its number."""
    if not MIN_SIDE_PX <= side_px <= MAX_SIDE_PX:
        return side_px
    return round(side_px / SIDE_MULTIPLE_PX) * SIDE_MULTIPLE_PX
