"""Device and memory → how to load a model, and at which size to draw. Pure functions."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.models.config import CpuPrecision, Offload

Device = Literal["cuda", "mps", "cpu"]
DType = Literal["bfloat16", "float32"]
PlannedOffload = Literal["none", "model", "sequential"]

CPU_MAX_AREA_PX = 512 * 512
ACTIVATION_BYTES = 3 * 2**30
"""Room that a 1024² picture needs beside the weights; the VAE's decode is the peak."""


@dataclass(frozen=True)
class Hardware:
    """What this machine can compute with."""

    accelerator: Literal["cuda", "mps"] | None
    accelerator_memory_bytes: int
    accelerator_has_bf16: bool
    cpu_has_bf16: bool
    memory_bytes: int


@dataclass(frozen=True)
class LoadPlan:
    """How a model is to be held in memory."""

    device: Device
    dtype: DType
    offload: PlannedOffload = "none"


@dataclass(frozen=True)
class Weights:
    """Sizes of a model's parts in bytes at two bytes a value; `largest_part` is the biggest of them."""

    total_bytes: int
    largest_part_bytes: int


def plan_load(
    weights: Weights, hardware: Hardware, *, use_gpu: bool, offload: Offload, cpu_precision: CpuPrecision
) -> LoadPlan:
    """Decides device, precision and offload for a model.

    Z-Image overflows in float16, so the choice is bfloat16 or float32 everywhere.
    """
    if use_gpu and hardware.accelerator is not None:
        dtype: DType = "bfloat16" if hardware.accelerator_has_bf16 else "float32"
        return LoadPlan(hardware.accelerator, dtype, _offload(weights, hardware, dtype, offload))
    return LoadPlan("cpu", _cpu_dtype(weights, hardware, cpu_precision))


def _offload(weights: Weights, hardware: Hardware, dtype: DType, wanted: Offload) -> PlannedOffload:
    if hardware.accelerator != "cuda":  # elsewhere the device shares the main memory
        return "none"
    if wanted != "auto":
        return wanted
    scale = 1 if dtype == "bfloat16" else 2
    room = hardware.accelerator_memory_bytes - ACTIVATION_BYTES
    if weights.total_bytes * scale <= room:
        return "none"
    return "model" if weights.largest_part_bytes * scale <= room else "sequential"


def _cpu_dtype(weights: Weights, hardware: Hardware, wanted: CpuPrecision) -> DType:
    if wanted != "auto":
        return wanted
    float32_fits = 2 * weights.total_bytes + ACTIVATION_BYTES <= hardware.memory_bytes
    return "bfloat16" if hardware.cpu_has_bf16 or not float32_fits else "float32"


def nearest_size(width: int, height: int, sizes: Sequence[tuple[int, int]], max_area: int | None) -> tuple[int, int]:
    """Picks the size of the nearest aspect ratio, and among those of the nearest area.

    Args:
        width: Wanted width in pixels.
        height: Wanted height in pixels.
        sizes: Widths and heights to pick from, at least one.
        max_area: Most pixels that are allowed, or None; the smallest size is taken when all have more.

    Returns:
        Width and height in pixels.
    """
    allowed = [size for size in sizes if max_area is None or math.prod(size) <= max_area]

    def distance(size: tuple[int, int]) -> tuple[float, float]:
        aspect = abs(math.log(size[0] * height / (size[1] * width)))
        return round(aspect, 6), abs(math.log(math.prod(size) / (width * height)))

    return min(allowed, key=distance) if allowed else min(sizes, key=math.prod)


def fit_size(width: int, height: int, *, multiple: int, max_area: int | None) -> tuple[int, int]:
    """Brings a size onto a model's grid and below an area, keeping its aspect ratio as far as the grid allows.

    Args:
        width: Wanted width in pixels.
        height: Wanted height in pixels.
        multiple: Grid of the model in pixels.
        max_area: Most pixels that are allowed, or None.

    Returns:
        Width and height in pixels; unchanged when they fit already.
    """
    scale = 1.0 if max_area is None else min(1.0, math.sqrt(max_area / (width * height)))
    sizes = itertools.product(_neighbours(width * scale, multiple), _neighbours(height * scale, multiple))

    def unfitness(size: tuple[int, int]) -> tuple[float, float, int]:
        area = size[0] * size[1]
        excess = 0 if max_area is None else max(0, area - max_area)
        distortion = abs(math.log((size[0] * height) / (size[1] * width)))
        return excess, distortion, -area

    return min(sizes, key=unfitness)


def _neighbours(value: float, multiple: int) -> tuple[int, int]:
    below = max(multiple, math.floor(value / multiple) * multiple)
    return below, max(multiple, math.ceil(value / multiple) * multiple)
