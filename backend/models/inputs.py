"""Wire schemas of the images that are drawn from."""

from __future__ import annotations

from pydantic import Field

from backend.models.recipe import Frozen, InputId


class InputInfo(Frozen):
    """A kept input."""

    input_id: InputId
    width: int = Field(description="Pixels, once it stands upright.")
    height: int
    format: str = Field(description="What it is kept as.")
    has_alpha: bool
    size_bytes: int
    url: str = Field(description="Its PNG, without any metadata.")
