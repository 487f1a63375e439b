"""What a machine computes with, and how a model may be held there. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from backend.services.errors import UnknownDevice

DType = Literal["bfloat16", "float16", "float32"]
Quantized = Literal["int8", "fp8", "gguf"]
PlannedOffload = Literal["none", "model", "sequential"]

BYTES: Mapping[DType, int] = {"bfloat16": 2, "float16": 2, "float32": 4}
QUANTIZED_BYTES = 1.07
"""Of a value on average, where nobody tells which are matrices: embedders and modulation stay in wider numbers."""
CPU = "cpu"
EVERY_DEVICE = "auto"


@dataclass(frozen=True)
class Accelerator:
    """A card, or what the processor has instead of one."""

    device: str
    """As torch names it: `cuda`, of several `cuda:0`, `cuda:1` …, or `mps`."""
    memory_bytes: int
    has_bf16: bool
    name: str = ""
    """What its maker calls it."""

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
    """How a model is to be held in memory.

    Attributes:
        offload: `none`: all of it on the device. `model`: the text encoder comes for encoding only (with diffusers each
            part for its turn). `sequential`: layers come as they are needed.
        quantization: of the matrices of transformer and text encoder; in `dtype` like the rest when None.
        resident_blocks: with `sequential`, the transformer's blocks that stay on the device; native engine only.
        streams_encoder: with `model`, whether the text encoder comes layer by layer; native engine only.
        vae_tile: side in latents of the tiles that images are decoded in; 0 for whole images; native engine only.
    """

    device: str
    dtype: DType
    offload: PlannedOffload = "none"
    quantization: Quantized | None = None
    resident_blocks: int = 0
    streams_encoder: bool = False
    vae_tile: int = 0


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
        n_blocks: number of the transformer's blocks, refiners included; 0 where nobody tells, as for what follows.
        block_values: values of the matrices of one.
        once_blocks: those of them that run once an image.
        text_layers: number of the text encoder's layers that are loaded.
        text_layer_values: values of the matrices of one.
        embedding_values: values of the text encoder's table of tokens.
        controls: values of ControlNets, which are beside the transformer wherever its blocks are.
        loras: values of LoRAs, which stay beside it and are never quantised.
    """

    transformer: int
    text_encoder: int
    vae: int
    stored: Quantized | None = None
    blocks: tuple[Blocks, Blocks] = (Blocks(), Blocks())
    is_native: bool = True
    n_blocks: int = 0
    block_values: int = 0
    once_blocks: int = 2
    text_layers: int = 0
    text_layer_values: int = 0
    embedding_values: int = 0
    controls: int = 0
    loras: int = 0

    def part_bytes(self, dtype: DType, quantization: Quantized | None = None) -> tuple[int, int, int]:
        """Returns the memory of transformer, with what is beside it, of text encoder and autoencoder."""
        size, vae = BYTES[dtype], self.vae * working_bytes(dtype)
        beside = _on_average(self.controls, size, quantization) + self.loras * working_bytes(dtype)
        if not self.n_blocks:
            transformer, text = (
                _in_blocks(values, of_part, size) if quantization == "gguf" and of_part.values
                else _on_average(values, size, quantization)
                for values, of_part in zip((self.transformer, self.text_encoder), self.blocks, strict=True)
            )  # fmt: skip
            return transformer + beside, text, vae
        others = self.transformer - self.n_blocks * self.block_values
        transformer = others * size + self.n_blocks * self.block_bytes(dtype, quantization)
        text = self.embedding_values * size + self.text_layers * self.text_layer_bytes(dtype, quantization)
        return transformer + beside, text, vae

    def block_bytes(self, dtype: DType, quantization: Quantized | None = None) -> int:
        """Returns the memory of the matrices of a block, on average."""
        return _layer_bytes(self.block_values, self.n_blocks, self.blocks[0], BYTES[dtype], quantization)

    def text_layer_bytes(self, dtype: DType, quantization: Quantized | None = None) -> int:
        """Returns the memory of the matrices of a layer of the text encoder, on average."""
        return _layer_bytes(self.text_layer_values, self.text_layers, self.blocks[1], BYTES[dtype], quantization)

    def total_bytes(self, dtype: DType, quantization: Quantized | None = None) -> int:
        """Returns the memory of all parts."""
        return sum(self.part_bytes(dtype, quantization))


def _on_average(values: int, size: int, quantization: Quantized | None) -> int:
    """Returns the memory of a part of which nobody tells which values are matrices."""
    return round(values * (QUANTIZED_BYTES if quantization else size))


def _in_blocks(values: int, blocks: Blocks, size: int) -> int:
    """Returns the memory of values of which some stay in the blocks of a GGUF file, and others are plain."""
    return blocks.size_bytes + max(0, values - blocks.values) * size


def _layer_bytes(values: int, n_layers: int, blocks: Blocks, size: int, quantization: Quantized | None) -> int:
    """Returns the memory of the matrices of one of several layers; GGUF files mix types, so that layers differ."""
    if quantization == "gguf" and blocks.values and n_layers:
        return -(-_in_blocks(n_layers * values, blocks, size) // n_layers)
    return values * (1 if quantization else size)


def working_bytes(dtype: DType) -> int:
    """Returns the size of a value of activations and of the autoencoder: float16 ends too early for both."""
    return 4 if dtype == "float16" else BYTES[dtype]


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
