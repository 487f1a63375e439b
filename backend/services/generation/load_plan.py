"""Devices and memory → where and how to load a model. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from backend.models.config import CpuPrecision, Offload
from backend.services.errors import UnknownDevice

DType = Literal["bfloat16", "float16", "float32"]
PlannedOffload = Literal["none", "model", "sequential"]

CPU = "cpu"
EVERY_DEVICE = "auto"
ACTIVATION_BYTES = 3 * 2**30
"""Room that a 1024² picture needs beside the weights; the VAE's decode is the peak."""


@dataclass(frozen=True)
class Accelerator:
    """A card, or what the processor has instead of one."""

    device: str
    """As torch names it: `cuda`, of several `cuda:0`, `cuda:1` …, or `mps`."""
    memory_bytes: int
    has_bf16: bool


@dataclass(frozen=True)
class Hardware:
    """What this machine can compute with."""

    memory_bytes: int
    cpu_has_bf16: bool
    accelerators: tuple[Accelerator, ...] = ()


@dataclass(frozen=True)
class LoadPlan:
    """How a model is to be held in memory."""

    device: str
    dtype: DType
    offload: PlannedOffload = "none"


@dataclass(frozen=True)
class Weights:
    """Sizes of a model's parts in bytes at two bytes a value; `largest_part` is the biggest of them."""

    total_bytes: int
    largest_part_bytes: int


def choose_devices(hardware: Hardware, wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the devices to run jobs on, a slot each.

    Args:
        hardware: What there is.
        wanted: Names of devices; `auto` alone means every accelerator; nothing means the first one.

    Raises:
        UnknownDevice: one of them is not here.
    """
    there = {accelerator.device for accelerator in hardware.accelerators}
    if not wanted:
        return next(((accelerator.device,) for accelerator in hardware.accelerators), (CPU,))
    if tuple(wanted) == (EVERY_DEVICE,):
        return tuple(accelerator.device for accelerator in hardware.accelerators) or (CPU,)
    if there == {"cuda"}:
        wanted = ["cuda" if device == "cuda:0" else device for device in wanted]
    missing = [device for device in wanted if device not in {*there, CPU}]
    if missing:
        raise UnknownDevice(
            f"ZIMAGE_DEVICES names {', '.join(missing)}; this machine has {', '.join(sorted({*there, CPU}))}."
        )
    return tuple(dict.fromkeys(wanted))


def plan_load(
    weights: Weights,
    hardware: Hardware,
    device: str,
    *,
    offload: Offload,
    cpu_precision: CpuPrecision,
    takes_float16: bool,
) -> LoadPlan:
    """Decides precision and offload for a model on a device.

    Args:
        weights: Sizes of the model.
        hardware: What there is.
        device: Where to load it.
        offload: The setting.
        cpu_precision: The setting.
        takes_float16: Whether the engine computes the model in float16, all of it on the device. Z-Image overflows
            there unless that is provided for, so that float32 is the other choice of a card without bfloat16.
    """
    for accelerator in hardware.accelerators:
        if accelerator.device == device:
            dtype: DType = "bfloat16" if accelerator.has_bf16 else "float16"
            plan = LoadPlan(device, dtype, _offload(weights, accelerator, dtype, offload))
            if dtype == "bfloat16" or (plan.offload == "none" and takes_float16):
                return plan
            return LoadPlan(device, "float32", _offload(weights, accelerator, "float32", offload))
    return LoadPlan(CPU, _cpu_dtype(weights, hardware, cpu_precision))


def _offload(weights: Weights, accelerator: Accelerator, dtype: DType, wanted: Offload) -> PlannedOffload:
    if not accelerator.device.startswith("cuda"):  # elsewhere the device shares the main memory
        return "none"
    if wanted != "auto":
        return wanted
    scale = 2 if dtype == "float32" else 1
    room = accelerator.memory_bytes - ACTIVATION_BYTES
    if weights.total_bytes * scale <= room:
        return "none"
    return "model" if weights.largest_part_bytes * scale <= room else "sequential"


def _cpu_dtype(weights: Weights, hardware: Hardware, wanted: CpuPrecision) -> DType:
    if wanted != "auto":
        return wanted
    float32_fits = 2 * weights.total_bytes + ACTIVATION_BYTES <= hardware.memory_bytes
    return "bfloat16" if hardware.cpu_has_bf16 or not float32_fits else "float32"
