"""Devices, memory and settings → how a model is held in memory. Pure functions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from backend.models.config import CpuPrecision, Offload, Quantization
from backend.models.schemas import MAX_SIDE_PX
from backend.services.generation.planning.footprint import footprint_of
from backend.services.generation.planning.load_plan import (
    CPU,
    Accelerator,
    DType,
    Hardware,
    LoadPlan,
    PlannedOffload,
    Quantized,
    Weights,
)
from backend.services.generation.planning.work import Work

ACTIVATION_BYTES = 3 * 2**30
"""Room beside the weights where the main memory is the device's, and with diffusers; the VAE's decode is the peak."""
SYSTEM_SHARE = 1 / 8
"""Share of the main memory that is left to the system, this program and a browser."""
CONTEXT_BYTES = 2**29
"""Of a card, what CUDA itself and a desktop take."""
SPARE = 0.05
"""Share of a card that is lost in gaps between tensors."""
TILES = (64, 32)
"""Sides of tiles in latents, the most like a whole image first."""
LARGE_TILE = 128
"""1024 pixels: of images that could not be decoded as a whole."""


def plan_load(
    weights: Weights,
    hardware: Hardware,
    device: str,
    *,
    work: Work,
    offload: Offload = "auto",
    quantization: Quantization = "auto",
    cpu_precision: CpuPrecision = "auto",
) -> LoadPlan:
    """Decides precision, quantisation and residency for a model on a device, by the settings of the same names.

    On a card the model is quantised before a part of it is kept in the main memory, which is slower. What is stored
    quantised stays so there. A processor decodes GGUF once where there is memory, since decoding at every step takes it
    a fifth longer or more; it keeps the blocks where not even int8 fits. Z-Image overflows in float16 unless that is
    provided for, so that only the native engine has it.

    Args:
        weights: sizes of the model.
        hardware: of this machine.
        device: one of it.
        work: of an image that shall fit.
        offload: setting.
        quantization: setting.
        cpu_precision: setting.
    """
    card = next((accelerator for accelerator in hardware.accelerators if accelerator.device == device), None)
    if card is None:
        return _plan_on_processor(weights, hardware, quantization, cpu_precision)
    if not weights.is_native:
        return _plan_for_diffusers(weights, card, offload, quantization)
    dtype: DType = "bfloat16" if card.has_bf16 else "float16"
    choices = _choices(weights, card, quantization)
    if not card.is_cuda:
        fitting = [choice for choice in choices if weights.total_bytes(dtype, choice) <= _room(card)]
        return LoadPlan(device, dtype, quantization=fitting[0] if fitting else choices[-1])
    candidates = list(_candidates(LoadPlan(device, dtype), choices, offload, weights.n_blocks))
    chosen = next((plan for plan in candidates if fits_card(weights, plan, work, card)), candidates[-1])
    return _with_tiles_where_large(weights, chosen, work, card)


def explain_matrices(weights: Weights, hardware: Hardware, plan: LoadPlan, wanted: Quantization, work: Work) -> str:
    """Says what the matrices are held in, and why; for the log.

    Args:
        weights: sizes of the model.
        hardware: of this machine.
        plan: how the model is held.
        wanted: setting.
        work: of an image that shall fit.
    """
    held = plan.quantization or plan.dtype
    if wanted != "auto":
        return f"{held} as set"
    if plan.quantization is None:
        return held
    card = next((accelerator for accelerator in hardware.accelerators if accelerator.device == plan.device), None)
    if card is not None and plan.quantization == weights.stored:
        return f"{held} as stored"
    passed: tuple[Quantized | None, ...] = (None, "int8") if plan.quantization == "gguf" else (None,)
    if card is not None and card.is_cuda:
        room = usable_bytes(card.memory_bytes)
        whole = LoadPlan(plan.device, plan.dtype, vae_tile=TILES[0])
        needs = [footprint_of(weights, replace(whole, quantization=one), work).device for one in passed]
    else:
        room = _main_room(hardware.memory_bytes if card is None else card.memory_bytes)
        needs = [weights.total_bytes(plan.dtype, one) for one in passed]
    sizes = [f"{size / 2**30:.1f} in {one or plan.dtype}" for size, one in zip(needs, passed, strict=True)]
    return f"{held} since there is no room for {' or '.join(sizes)}, but for {max(0, room) / 2**30:.1f} GiB"


def fits_card(weights: Weights, plan: LoadPlan, work: Work, card: Accelerator) -> bool:
    """Whether the native engine draws an image on a card without want of memory."""
    return footprint_of(weights, plan, work).device <= usable_bytes(card.memory_bytes)


def usable_bytes(memory_bytes: int) -> int:
    """Returns what tensors can have of a card."""
    return round(memory_bytes * (1 - SPARE)) - CONTEXT_BYTES


def _with_tiles_where_large(weights: Weights, plan: LoadPlan, work: Work, card: Accelerator) -> LoadPlan:
    """Returns the plan with tiles for the largest images, where those cannot be decoded as a whole."""
    largest = footprint_of(weights, plan, replace(work, decoded_pixels=MAX_SIDE_PX**2)).decode
    return plan if plan.vae_tile or largest <= usable_bytes(card.memory_bytes) else replace(plan, vae_tile=LARGE_TILE)


def _candidates(
    whole: LoadPlan, choices: tuple[Quantized | None, ...], offload: Offload, n_blocks: int
) -> Iterator[LoadPlan]:
    """Yields plans in the order in which they are preferred; the last one is what is tried if none fits."""
    if offload in ("auto", "none"):
        yield from (replace(whole, quantization=choice, vae_tile=tile) for choice in choices for tile in (0, TILES[0]))
    if offload in ("auto", "model"):
        for choice in choices[-1:] if offload == "auto" else choices:
            out = replace(whole, offload="model", quantization=choice)
            yield out
            for tile in (0, *TILES):
                yield replace(out, streams_encoder=True, vae_tile=tile)
    if offload in ("auto", "sequential"):
        streamed = replace(whole, offload="sequential", quantization=choices[-1])
        for tile in TILES:
            for n_resident in range(max(0, n_blocks - 1), -1, -1):
                yield replace(streamed, vae_tile=tile, resident_blocks=n_resident)


def _choices(weights: Weights, card: Accelerator, wanted: Quantization) -> tuple[Quantized | None, ...]:
    """Returns how the matrices may be held on a card, the best first."""
    if wanted == "none":
        return (None,)
    if wanted != "auto":
        return (wanted,)
    has_float8 = card.is_cuda
    stored = weights.stored if weights.stored != "fp8" or has_float8 else None
    return (stored,) if stored else (None, "int8")


def _room(card: Accelerator) -> int:
    return card.memory_bytes - ACTIVATION_BYTES if card.is_cuda else _main_room(card.memory_bytes)


def _main_room(memory_bytes: int) -> int:
    """Returns what weights can have of the main memory where it is the device's."""
    return round(memory_bytes * (1 - SYSTEM_SHARE)) - ACTIVATION_BYTES


def _plan_for_diffusers(weights: Weights, card: Accelerator, offload: Offload, quantization: Quantization) -> LoadPlan:
    dtype: DType = "bfloat16" if card.has_bf16 else "float32"
    explicit: Quantized | None = None if quantization == "auto" or quantization == "none" else quantization
    return LoadPlan(card.device, dtype, _offload(weights, card, dtype, offload), explicit)


def _offload(weights: Weights, card: Accelerator, dtype: DType, wanted: Offload) -> PlannedOffload:
    if not card.is_cuda:
        return "none"
    if wanted != "auto":
        return wanted
    if weights.total_bytes(dtype) <= _room(card):
        return "none"
    return "model" if max(weights.part_bytes(dtype)) <= _room(card) else "sequential"


def _plan_on_processor(
    weights: Weights, hardware: Hardware, quantization: Quantization, precision: CpuPrecision
) -> LoadPlan:
    def fits(dtype: DType, quantization: Quantized | None = None) -> bool:
        return weights.total_bytes(dtype, quantization) <= _main_room(hardware.memory_bytes)

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
