"""Quantised matrices among the tensors of a file: a weight with its scales becomes one tensor again.

Formats are found by what a file declares, in `<layer>.comfy_quant` or in its header, else by the tensors themselves.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zimage.errors import WeightsError
from zimage.quant.schemes import Mxfp8, Nvfp4, Rows, Scaled, Scheme
from zimage.weights.files.safetensors_file import StoredTensor, read_tensor
from zimage.weights.sdnq import find_layers, is_sdnq

DECLARATION = "_quantization_metadata"
MARKERS = ("comfy_quant", "scaled_fp8", "input_scale", "scale_input")
ROLES = {"weight_scale": "scale", "scale_weight": "scale", "weight_scale_2": "scale_2"}
FP8 = (torch.float8_e4m3fn, torch.float8_e5m2)
DTYPES = {"float8": FP8, "int8": (torch.int8,), "nvfp4": (torch.uint8,), "mxfp8": (torch.float8_e4m3fn,)}
READ = "float8_e4m3fn, float8_e4m3fn_rowwise, float8_e4m3fn_blockwise, float8_e5m2, int8_tensorwise, mxfp8, nvfp4"
MAX_DECLARATION_BYTES = 2**16
DEFAULT_GROUP = 256  # of rotated inputs
FLOATS = (torch.float32, torch.float16, torch.bfloat16)
SCALES = {"float8": FLOATS, "int8": FLOATS, "nvfp4": (torch.float8_e4m3fn, torch.uint8), "mxfp8": (torch.uint8,)}


@dataclass(frozen=True)
class QuantizedTensor:
    """A quantised matrix in a file: location of its parts and its format.

    Attributes:
        path: the file.
        name: name of the weight, for messages.
        scheme: the format.
        parts: its tensors by role.
        shape: shape of the values that are meant.
        whole: shape of all values, padding excluded where it is known.
        window: the part of `whole` that is meant, along the first axis; all when None.
    """

    path: Path
    name: str
    scheme: Scheme
    parts: Mapping[str, StoredTensor] = field(repr=False)
    shape: tuple[int, ...]
    whole: tuple[int, ...]
    window: tuple[int, int] | None = None
    dtype: torch.dtype = torch.float32

    @property
    def numel(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Size of the stored parts."""
        return sum(part.size_bytes for part in self.parts.values())

    @property
    def format(self) -> str:
        """Name of the format."""
        return self.scheme.name

    def rows(self, start: int, stop: int) -> QuantizedTensor:
        """Returns the slice [start, stop) along the first axis; parts are cut where the format allows it."""
        shape = (stop - start, *self.shape[1:])
        stored = self.parts["weight"].shape
        rows = Rows(start, stop, stored[0])
        cuts = {role: self.scheme.rows_of(role, part.shape, rows) for role, part in self.parts.items()}
        is_another_shape = self.whole[1:] != self.scheme.shape_of(stored)[1:]
        if self.window is not None or None in cuts.values() or is_another_shape:
            first = self.window[0] if self.window else 0
            return replace(self, shape=shape, window=(first + start, first + stop))
        parts = {
            role: part if (cut := cuts[role]) is None or not part.shape else part.rows(*cut)
            for role, part in self.parts.items()
        }
        return replace(self, shape=shape, whole=shape, parts=parts)

    def reshaped(self, shape: tuple[int, ...]) -> QuantizedTensor:
        """Returns the same values in another shape."""
        return replace(self, shape=shape, whole=shape if self.window is None else self.whole)

    def fitted(self, shape: tuple[int, ...]) -> QuantizedTensor:
        """Returns the tensor without its padding, if that explains why it is larger than `shape`."""
        step = self.scheme.padded_to
        padded = tuple(-(-length // step) * step for length in shape)
        is_padded = self.shape == padded and self.window is None
        return replace(self, shape=shape, whole=shape) if is_padded else self

    def read(self, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Tensor:
        """Reads and decodes the values.

        Args:
            dtype: dtype of the result; float32 when None.
            device: device of the result.

        Raises:
            WeightsError: the file cannot be read, or its parts do not fit each other or hold no numbers.
        """
        try:
            values = self._cut(self.scheme.decode({role: read_tensor(part) for role, part in self.parts.items()}))
        except WeightsError:
            raise
        except (ValueError, RuntimeError, ArithmeticError, LookupError) as error:
            raise WeightsError(f"{self.path}: {self.name} ({self.scheme.name}) cannot be decoded: {error}") from error
        if not bool(values.isfinite().all()):
            raise WeightsError(f"{self.path}: {self.name} ({self.scheme.name}) holds NaN or infinite values")
        return values.to(device, dtype or self.dtype)

    def _cut(self, values: Tensor) -> Tensor:
        """Returns what is meant of the decoded matrix, in its shape."""
        if math.prod(self.whole) == values.numel():
            values = values.reshape(self.whole)
        else:  # padded
            values = values[: self.whole[0], : self.whole[1]]
        if self.window is not None:
            values = values[self.window[0] : self.window[1]]
        return values.reshape(self.shape)


AnyTensor = StoredTensor | QuantizedTensor


def gather_quantized(
    path: Path, tensors: Mapping[str, StoredTensor], metadata: Sequence[Mapping[str, str]]
) -> dict[str, AnyTensor]:
    """Returns tensors by name, quantised weights joined with their scales.

    Args:
        path: the file, or the index of several, for messages.
        tensors: all tensors.
        metadata: of the headers of all files.

    Raises:
        WeightsError: a format is not read here, or parts are missing, left over or of another kind.
    """
    _refuse_foreign(path, tensors)
    if is_sdnq(tensors):
        return _gather_sdnq(path, tensors)
    declared = {layer: text for of_file in metadata for layer, text in _declared_in(path, of_file).items()}
    found: dict[str, AnyTensor] = {}
    used: set[str] = set()
    for name, stored in tensors.items():
        layer, _, leaf = name.rpartition(".")
        if leaf in MARKERS or name in used:
            continue
        if leaf in ROLES:
            if f"{layer}.weight" not in tensors:
                raise WeightsError(f"{path}: {name} is the scale of a weight that is not there")
            continue
        declaration = _declaration_of(path, tensors, layer, declared) if leaf == "weight" else None
        parts = {"weight": stored, **_scales_of(path, tensors, layer)} if leaf == "weight" else {}
        scheme = _scheme_of(path, name, parts, declaration) if len(parts) > 1 or declaration else None
        found[name] = stored if scheme is None else _joined(path, name, scheme, parts, declaration or {})
    return found


def require_plain(source: Path, tensors: Mapping[str, AnyTensor]) -> dict[str, StoredTensor]:
    """Returns tensors that are all stored as they are.

    Raises:
        WeightsError: some are quantised.
    """
    plain = {name: stored for name, stored in tensors.items() if isinstance(stored, StoredTensor)}
    if len(plain) < len(tensors):
        formats = sorted({stored.format for stored in tensors.values() if isinstance(stored, QuantizedTensor)})
        raise WeightsError(f"{source} holds quantised weights ({', '.join(formats)}): only plain ones are converted")
    return plain


def _refuse_foreign(path: Path, tensors: Mapping[str, StoredTensor]) -> None:
    leaves = {name.rpartition(".")[2] for name in tensors}
    if {"qweight", "wscales"} <= leaves:
        raise WeightsError(f"{path} is in Nunchaku's format (SVDQuant), which is not read: take int8 or GGUF weights")


def _gather_sdnq(path: Path, tensors: Mapping[str, StoredTensor]) -> dict[str, AnyTensor]:
    layers = find_layers(path, tensors)
    used = {stored for layer in layers.values() for stored in layer.parts.values()}
    found: dict[str, AnyTensor] = {}
    for name, stored in tensors.items():
        if (layer := layers.get(name)) is not None:
            found[name] = _joined(path, name, layer.scheme, layer.parts, {})
        elif stored not in used:
            found[name] = stored
    return found


def _declared_in(path: Path, metadata: Mapping[str, str]) -> dict[str, Any]:
    text = metadata.get(DECLARATION)
    if text is None:
        return {}
    try:
        layers = json.loads(text)["layers"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: the {DECLARATION} of its header makes no sense") from error
    if not isinstance(layers, dict) or not all(isinstance(layer, dict) for layer in layers.values()):
        raise WeightsError(f"{path} is damaged: the {DECLARATION} of its header lists no layers")
    return layers


def _declaration_of(
    path: Path, tensors: Mapping[str, StoredTensor], layer: str, declared: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Returns what the file says of a layer; the header's names may lack the prefix of the tensors'."""
    marker = tensors.get(f"{layer}.comfy_quant")
    if marker is None:
        return next((declared[end] for end in _endings(layer) if end in declared), None)
    if marker.dtype != torch.uint8 or marker.size_bytes > MAX_DECLARATION_BYTES:
        raise WeightsError(f"{path} is damaged: {layer}.comfy_quant is no text")
    try:
        declaration = json.loads(bytes(read_tensor(marker).flatten().tolist()))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: {layer}.comfy_quant is no JSON") from error
    if not isinstance(declaration, dict):
        raise WeightsError(f"{path} is damaged: {layer}.comfy_quant is no JSON object")
    return declaration


def _endings(layer: str) -> Iterator[str]:
    parts = layer.split(".")
    return (".".join(parts[start:]) for start in range(len(parts)))


def _scales_of(path: Path, tensors: Mapping[str, StoredTensor], layer: str) -> dict[str, StoredTensor]:
    scales: dict[str, StoredTensor] = {}
    for leaf, role in ROLES.items():
        if (scale := tensors.get(f"{layer}.{leaf}")) is not None:
            if role in scales:
                raise WeightsError(f"{path}: {layer} has scales under the names of two layouts")
            scales[role] = scale
    return scales


def _scheme_of(
    path: Path, name: str, parts: Mapping[str, StoredTensor], declaration: Mapping[str, Any] | None
) -> Scheme:
    declared = declaration.get("format") if declaration else _format_by_parts(parts)
    scheme = _named(str(declared), declaration or {})
    if scheme is None:
        raise WeightsError(f"{path}: {name} is in the format {declared!r}, which is not read; those read are {READ}")
    kind = next(kind for kind in DTYPES if scheme.name.startswith(kind))
    if parts["weight"].dtype not in DTYPES[kind] or len(parts["weight"].shape) != 2:
        found = f"{parts['weight'].format} of the shape {parts['weight'].shape}"
        raise WeightsError(f"{path}: {name} is said to be {scheme.name}, but holds {found}")
    needed = {"scale", "scale_2"} if kind == "nvfp4" else {"scale"}
    if missing := needed - parts.keys():
        raise WeightsError(f"{path}: {name} ({scheme.name}) lacks its {' and '.join(sorted(missing))}")
    for role in sorted(needed):
        allowed = SCALES[kind] if role == "scale" else FLOATS
        if parts[role].dtype not in allowed:
            raise WeightsError(f"{path}: the {role} of {name} ({scheme.name}) cannot be {parts[role].format}")
    return scheme


def _format_by_parts(parts: Mapping[str, StoredTensor]) -> str:
    weight, scale = parts["weight"], parts["scale"] if "scale" in parts else parts["scale_2"]
    if weight.dtype == torch.uint8:
        return "nvfp4"
    if weight.dtype in FP8:
        return "mxfp8" if scale.dtype == torch.uint8 else f"float8_{weight.format[3:].lower()}"
    return "int8_tensorwise"


def _named(declared: str, declaration: Mapping[str, Any]) -> Scheme | None:
    match declared:
        case "nvfp4":
            return Nvfp4()
        case "mxfp8":
            return Mxfp8()
        case "int8_tensorwise":
            return Scaled(declared, _rotation(declaration) if declaration.get("convrot") else 0)
        case "float8_e4m3fn" | "float8_e4m3" | "float8_e5m2" | "float8_e4m3fn_rowwise" | "float8_e4m3fn_blockwise":
            return Scaled(declared)
    return None


def _rotation(declaration: Mapping[str, Any]) -> int:
    size = declaration.get("convrot_groupsize", DEFAULT_GROUP)
    if type(size) is not int or size < 4:  # type(), since True is an int
        raise WeightsError(f"a rotation of groups of {size!r} makes no sense: a power of four is needed")
    return size


def _joined(
    path: Path, name: str, scheme: Scheme, parts: Mapping[str, StoredTensor], declaration: Mapping[str, Any]
) -> QuantizedTensor:
    shape = scheme.shape_of(parts["weight"].shape)
    joined = QuantizedTensor(path, name, scheme, parts, shape, shape)
    match declaration.get("orig_shape"):
        case [int(rows), int(columns)] if rows > 0 and columns > 0:
            return joined.fitted((rows, columns))
    return joined
