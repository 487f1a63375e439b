"""What a request will take, as the API tells it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from backend.models.recipe import Frozen


class Size(Frozen):
    """Size of an image in pixels."""

    width: int
    height: int


class Estimate(Frozen):
    """Prediction for a request. Seconds are null until something alike was drawn on this machine."""

    model: str
    width: int = Field(description="As it will be drawn.")
    height: int
    device: str = Field(description="As torch names it.")
    dtype: Literal["bfloat16", "float16", "float32"]
    quantization: Literal["int8", "fp8", "gguf"] | None = Field(
        description="Of the matrices; null when they are as the rest."
    )
    offload: Literal["none", "model", "sequential"]
    fits: bool = Field(description="Whether there is memory enough; such a request is refused if not.")
    device_bytes: int = Field(description="Peak on the device; where that is the processor, of the whole program.")
    device_total_bytes: int
    host_bytes: int = Field(description="Peak of the main memory.")
    host_total_bytes: int
    load_s: float | None = Field(description="Seconds to bring the model into memory; 0 when it is there.")
    first_s: float | None = Field(description="Seconds from there to the first image.")
    next_s: float | None = Field(description="Seconds of each further image.")
    offer: Size | None = Field(description="The largest size that fits, when the one asked for does not.")
