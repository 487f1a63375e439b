"""Devices and memory → where and how to load a model. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backend.models.config import CpuPrecision, Offload, Quantization
from backend.services.errors import UnknownDevice

DType = Literal["bfloat16", "float16", "float32"]
Quantized = Literal["int8", "fp8", "gguf"]
PlannedOffload = Literal["none", "model", "sequential"]

BYTES: Mapping[DType, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
QUANTIZED_BYTES = 1.07
"""Of a value on average: embedders and modulation stay in wider numbers."""
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

    @property
    def is_cuda(self) -> bool:
        """Whether the card has a memory of its own; elsewhere the device shares the main memory."""
        return self.device.startswith("cuda")


@dataclass(frozen=True)
class Hardware:
    """What this machine can compute with."""

    memory_bytes: int
    cpu_has_bf16: bool
    accelerators: tuple[Accelerator, ...] = ()
    swap_bytes: int = 0
    """What may be held beside the main memory, slowly."""


@dataclass(frozen=True)
class LoadPlan:
    """How a model is to be held in memory."""

    device: str
    dtype: DType
    offload: PlannedOffload = "none"
    quantization: Quantized | None = None
    """Of the matrices of transformer and text encoder; in `dtype` like the rest when None."""


@dataclass(frozen=True)
class Blocks:
    """Matrices of a part that can stay in the blocks of a GGUF file.

    Attributes:
        values: number of their values.
        size_bytes: of their blocks.
    """

    values: int = 0
    size_bytes: int = 0


@dataclass(frozen=True)
class Weights:
    """Sizes of a model's parts.

    Attributes:
        transformer: number of its values; of the other parts likewise.
        stored: what the transformer's matrices are stored in, where they can stay so.
        blocks: matrices of transformer and text encoder that can stay in the blocks of GGUF files.
        is_native: whether the native engine runs the model, which alone has float16 and quantised matrices.
        can_offload: whether parts may take turns on a card, which only diffusers does, with a folder.
    """

    transformer: int
    text_encoder: int
    vae: int
    stored: Quantized | None = None
    blocks: tuple[Blocks, Blocks] = (Blocks(), Blocks())
    is_native: bool = True
    can_offload: bool = True

    def part_bytes(self, dtype: DType, quantization: Quantized | None = None) -> tuple[int, int, int]:
        """Returns the memory of transformer, text encoder and autoencoder."""
        size = BYTES[dtype]

        def held(values: int, blocks: Blocks) -> int:
            if quantization == "gguf" and blocks.values:
                return blocks.size_bytes + (values - blocks.values) * size
            return round(values * (QUANTIZED_BYTES if quantization else size))

        of_transformer, of_text_encoder = self.blocks
        return held(self.transformer, of_transformer), held(self.text_encoder, of_text_encoder), self.vae * size

    def total_bytes(self, dtype: DType, quantization: Quantized | None = None) -> int:
        """Returns the memory of all parts."""
        return sum(self.part_bytes(dtype, quantization))


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
    offload: Offload = "auto",
    quantization: Quantization = "auto",
    cpu_precision: CpuPrecision = "auto",
) -> LoadPlan:
    """Decides precision, quantisation and offload for a model on a device, by the settings of the same names.

    On a card the model is quantised before it takes turns with itself, which is slower. What is stored quantised stays
    so there. A processor decodes GGUF once where there is memory, since decoding at every step takes it a fifth longer
    or more; it keeps the blocks where not even int8 fits. Z-Image overflows in float16 unless that is provided for, so
    that only the native engine has it.
    """
    card = next((accelerator for accelerator in hardware.accelerators if accelerator.device == device), None)
    if card is None:
        return _plan_on_processor(weights, hardware, quantization, cpu_precision)
    dtype: DType = "bfloat16" if card.has_bf16 else "float16" if weights.is_native else "float32"
    choices = _choices(weights, card, quantization)
    fitting = [choice for choice in choices if weights.total_bytes(dtype, choice) <= _room(card)]
    is_whole = not weights.can_offload or not card.is_cuda
    if is_whole or (fitting and offload in ("auto", "none")):
        return LoadPlan(device, dtype, quantization=fitting[0] if fitting else choices[-1])
    dtype = "bfloat16" if card.has_bf16 else "float32"
    explicit: Quantized | None = None if quantization == "auto" or quantization == "none" else quantization
    return LoadPlan(device, dtype, _offload(weights, card, dtype, offload), explicit)


def explain_matrices(weights: Weights, hardware: Hardware, plan: LoadPlan, wanted: Quantization) -> str:
    """Says what the matrices are held in, and why; for the log."""
    held = plan.quantization or plan.dtype
    if wanted != "auto":
        return f"{held} as set"
    if plan.quantization is None:
        return held
    card = next((accelerator for accelerator in hardware.accelerators if accelerator.device == plan.device), None)
    if card is not None and plan.quantization == weights.stored:
        return f"{held} as stored"
    room = hardware.memory_bytes - ACTIVATION_BYTES if card is None else _room(card)
    passed: tuple[Quantized | None, ...] = (None, "int8") if plan.quantization == "gguf" else (None,)
    sizes = [f"{weights.total_bytes(plan.dtype, one) / 2**30:.1f} in {one or plan.dtype}" for one in passed]
    return f"{held} since there is no room for {' or '.join(sizes)}, but for {max(0, room) / 2**30:.1f} GiB"


def _choices(weights: Weights, card: Accelerator, wanted: Quantization) -> tuple[Quantized | None, ...]:
    """Returns how the matrices may be held as a whole on a card, the best first."""
    if wanted == "none" or not weights.is_native:
        return (None,)
    if wanted != "auto":
        return (wanted,)
    has_float8 = card.is_cuda
    stored = weights.stored if weights.stored != "fp8" or has_float8 else None
    return (stored,) if stored else (None, "int8")


def _room(card: Accelerator) -> int:
    return card.memory_bytes - ACTIVATION_BYTES


def _offload(weights: Weights, card: Accelerator, dtype: DType, wanted: Offload) -> PlannedOffload:
    if wanted != "auto":
        return wanted
    if weights.total_bytes(dtype) <= _room(card):
        return "none"
    return "model" if max(weights.part_bytes(dtype)) <= _room(card) else "sequential"


def _plan_on_processor(
    weights: Weights, hardware: Hardware, quantization: Quantization, precision: CpuPrecision
) -> LoadPlan:
    def fits(dtype: DType, quantization: Quantized | None = None) -> bool:
        return weights.total_bytes(dtype, quantization) + ACTIVATION_BYTES <= hardware.memory_bytes

    dtype: DType = "bfloat16" if hardware.cpu_has_bf16 or not fits("float32") else "float32"
    if precision != "auto":
        dtype = precision
    if quantization != "auto":
        return LoadPlan(CPU, dtype, quantization=None if quantization == "none" else quantization)
    choices: tuple[Quantized | None, ...] = (None, "int8") if weights.is_native else (None,)
    if weights.is_native and weights.stored == "gguf":
        choices += ("gguf",)
    fitting = [choice for choice in choices if fits(dtype, choice)]
    smallest = min(choices, key=lambda choice: weights.total_bytes(dtype, choice))
    return LoadPlan(CPU, dtype, quantization=fitting[0] if fitting else smallest)
