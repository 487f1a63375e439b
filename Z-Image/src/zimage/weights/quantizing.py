"""Plans a quantised single file in ComfyUI's layout: `weight`, `weight_scale` and `comfy_quant` of each matrix.

A matrix is read and quantised when its scales are written, and again when its values are: files have the widest dtypes
first, and nothing but one matrix is held.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from zimage.errors import WeightsError
from zimage.quant.packing import INT8, Format, is_quantizable
from zimage.quant.schemes import Scaled
from zimage.transformer import ZImageTransformer2DModel
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.conversion import MODEL_INDEX
from zimage.weights.files.safetensors_file import StoredTensor
from zimage.weights.files.safetensors_writer import Writable, plan
from zimage.weights.identify import Part, identify_part, infer_transformer_config
from zimage.weights.names.single_file import from_published, to_published
from zimage.weights.packed import is_packed, read_packed
from zimage.weights.quantized import AnyTensor

COMFY_FORMATS = {"int8": "int8_tensorwise", "fp8": "float8_e4m3fn_rowwise"}


@dataclass(frozen=True)
class PackedTensor:
    """Values or scales of a quantised matrix.

    Attributes:
        parts: matrices one below the other.
        role: which of the two is written.
    """

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    parts: tuple[AnyTensor, ...]
    format: Format
    role: Literal["weight", "scale"]

    def values(self) -> Iterator[Tensor]:
        """Quantises the parts, one at a time."""
        for part in self.parts:
            packed = read_packed(part, self.format, kept=(self.format.dtype,))
            yield packed.weight if self.role == "weight" else packed.scale


@dataclass(frozen=True)
class DecodedTensor:
    """A quantised tensor that is written plain."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    parts: tuple[AnyTensor, ...]

    def values(self) -> Iterator[Tensor]:
        """Decodes the parts, one at a time."""
        return (part.read(self.dtype) for part in self.parts)


@dataclass(frozen=True)
class TextTensor:
    """A text in ASCII as bytes."""

    name: str
    text: str
    dtype: torch.dtype = torch.uint8

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of bytes."""
        return (len(self.text),)

    def values(self) -> Iterator[Tensor]:
        """Yields the bytes."""
        yield torch.tensor(list(self.text.encode("ascii")), dtype=torch.uint8)


def plan_quantized(source: Path, format: Format, dtype: torch.dtype | None, prefix: str = "") -> list[Writable]:
    """Plans the file of a transformer or text encoder; reads headers only.

    Args:
        source: folder of the model or of a part, or a file in any format that is read.
        format: of the matrices of attentions and feed-forwards; those that are stored so stay as they are.
        dtype: of all other values; None keeps theirs, and decodes what is quantised to float32.
        prefix: prefix of every name.

    Raises:
        WeightsError: the source is damaged or of another kind.
    """
    folder = source / "transformer" if (source / MODEL_INDEX).is_file() else source
    tensors: Mapping[str, AnyTensor] = to_published(open_checkpoint(folder))
    match identify_part(tensors):
        case Part.TRANSFORMER:
            named = from_published(_fitted(tensors), prefix)
        case Part.TEXT_ENCODER:
            named = {prefix + _name_of_text_encoder(name, tensors): (stored,) for name, stored in tensors.items()}
        case part:
            raise WeightsError(f"{folder} is {part.value}: only transformers and text encoders are quantised")
    planned: list[Writable] = []
    for name, parts in named.items():
        planned += _quantized(name, parts, format) if is_quantizable(name) else [_plain(name, parts, dtype)]
    return planned


def _fitted(tensors: Mapping[str, AnyTensor]) -> dict[str, AnyTensor]:
    """Returns the tensors of a transformer without padding, which the shapes of its modules show."""
    with torch.device("meta"):
        wanted = ZImageTransformer2DModel(**infer_transformer_config(tensors).to_dict()).state_dict()
    return {
        name: stored.fitted(tuple(wanted[name].shape)) if name in wanted else stored for name, stored in tensors.items()
    }


def _name_of_text_encoder(name: str, tensors: Mapping[str, AnyTensor]) -> str:
    is_named = name.startswith("lm_head.") or any(other.startswith("model.") for other in tensors)
    return name if is_named else f"model.{name}"


def _quantized(name: str, parts: tuple[AnyTensor, ...], format: Format) -> list[Writable]:
    layer = name.removesuffix(".weight")
    rows, columns = sum(part.shape[0] for part in parts), parts[0].shape[1]
    rotations = {_rotation(part, format) for part in parts}
    if len(rotations) > 1:
        raise WeightsError(f"{name} cannot be joined from parts of different rotations: {sorted(rotations)}")
    scales = (rows, 1) if format is INT8 else (rows,)
    return [
        PackedTensor(name, format.dtype, (rows, columns), parts, format, "weight"),
        PackedTensor(f"{layer}.weight_scale", torch.float32, scales, parts, format, "scale"),
        TextTensor(f"{layer}.comfy_quant", json.dumps(_declaration(format, rotations.pop()))),
    ]


def _declaration(format: Format, rotation: int) -> dict[str, object]:
    declared: dict[str, object] = {"format": COMFY_FORMATS[format.name]}
    if format is INT8:
        declared["per_row"] = True
    return declared | ({"convrot": True, "convrot_groupsize": rotation} if rotation else {})


def _rotation(stored: AnyTensor, format: Format) -> int:
    """Returns the rotation of a matrix that stays as it is stored; 0 for one that is quantised anew."""
    if not is_packed(stored, (format.dtype,)) or isinstance(stored, StoredTensor):
        return 0
    return stored.scheme.rotation if isinstance(stored.scheme, Scaled) else 0


def _plain(name: str, parts: tuple[AnyTensor, ...], dtype: torch.dtype | None) -> Writable:
    plain = [part for part in parts if isinstance(part, StoredTensor)]
    if len(plain) == len(parts):
        return plan(name, plain, dtype)
    shape = (sum(part.shape[0] for part in parts), *parts[0].shape[1:])
    return DecodedTensor(name, dtype or torch.float32, shape, parts)
