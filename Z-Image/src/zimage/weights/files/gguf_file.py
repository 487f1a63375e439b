"""Reading of GGUF files: the header, checked number by number, and where each tensor lies.

The format: `GGUF`, version, counts of tensors and remarks, the remarks (name, type, value), the tensors (name, lengths
from the innermost, type, offset), then the values, aligned. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any

import torch

from zimage.errors import WeightsError
from zimage.quant.schemes import Ggml
from zimage.weights.files.safetensors_file import StoredTensor
from zimage.weights.quantized import AnyTensor, QuantizedTensor

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT_KEY, DEFAULT_ALIGNMENT = "general.alignment", 32
SHAPE_KEY = "comfy.gguf.orig_shape."
SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
STRING, ARRAY = 8, 9
PLAIN = {0: torch.float32, 1: torch.float16, 24: torch.int8, 25: torch.int16, 26: torch.int32, 30: torch.bfloat16}
MAX_DIMENSIONS = 4
MAX_HEADER_BYTES = 100 * 2**20
MAX_NAME_BYTES, MAX_STRING_BYTES, MAX_COUNT = 2**10, 2**24, 2**20


@dataclass
class _Reader:
    """Bytes of a header, never more than the file has."""

    path: Path
    file: BufferedReader
    size_bytes: int

    def take(self, count: int) -> bytes:
        if self.file.tell() + count > MAX_HEADER_BYTES:
            raise WeightsError(
                f"{self.path} is damaged: a header of more than {MAX_HEADER_BYTES} bytes cannot be right"
            )
        data = self.file.read(count) if count <= self.size_bytes else b""
        if len(data) < count:
            raise WeightsError(
                f"{self.path} is truncated: its header ends at byte {self.file.tell()} of {self.size_bytes}"
            )
        return data

    def scalar(self, layout: str) -> Any:
        return struct.unpack(layout, self.take(struct.calcsize(layout)))[0]

    def count(self, limit: int, what: str) -> int:
        number: int = self.scalar("<Q")
        if number > limit:
            raise WeightsError(f"{self.path} is damaged: {number} {what} cannot be right")
        return number

    def text(self, limit: int) -> str:
        return self.take(self.count(limit, "bytes of a text")).decode("utf-8", "replace")

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind == STRING:
            return self.text(MAX_STRING_BYTES)
        if kind == ARRAY and depth < MAX_DIMENSIONS:
            inner, count = self.scalar("<I"), self.count(MAX_STRING_BYTES, "values of a list")
            return [self.value(inner, depth + 1) for _ in range(count)]
        if kind not in SCALARS:
            raise WeightsError(f"{self.path} is damaged: it has a remark of the unknown type {kind}")
        return self.scalar(SCALARS[kind])


@dataclass(frozen=True)
class _Entry:
    name: str
    shape: tuple[int, ...]
    kind: int
    offset: int = field(repr=False)


def is_gguf(path: Path) -> bool:
    """Whether a file begins as GGUF does; false for one that cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_gguf(path: Path) -> dict[str, AnyTensor]:
    """Returns the tensors of a file by name, in file order.

    Raises:
        WeightsError: the file is missing, truncated or damaged, or holds a type that is not read; the message names it.
    """
    try:
        with path.open("rb") as file:
            reader = _Reader(path, file, path.stat().st_size)
            remarks, entries = _read(reader)
            alignment = remarks.get(ALIGNMENT_KEY, DEFAULT_ALIGNMENT)
            if not isinstance(alignment, int) or alignment < 1:
                raise WeightsError(f"{path} is damaged: an alignment of {alignment} bytes makes no sense")
            start = -(-file.tell() // alignment) * alignment
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    tensors: dict[str, AnyTensor] = {}
    for entry in entries:
        if entry.name in tensors:
            raise WeightsError(f"{path} is damaged: it has {entry.name!r} twice")
        tensors[entry.name] = _located(path, entry, start, remarks.get(SHAPE_KEY + entry.name))
    _require_whole(path, tensors, reader.size_bytes)
    return tensors


def _read(reader: _Reader) -> tuple[dict[str, Any], list[_Entry]]:
    if reader.take(len(MAGIC)) != MAGIC:
        raise WeightsError(f"{reader.path} is no GGUF file")
    version = reader.scalar("<I")
    if version not in VERSIONS:
        raise WeightsError(
            f"{reader.path} is of GGUF version {version}; versions {VERSIONS[0]} and {VERSIONS[1]} are read"
        )
    n_tensors = reader.count(MAX_COUNT, "tensors")
    n_remarks = reader.count(MAX_COUNT, "remarks")
    remarks = {reader.text(MAX_NAME_BYTES): reader.value(reader.scalar("<I")) for _ in range(n_remarks)}
    return remarks, [_entry(reader) for _ in range(n_tensors)]


def _entry(reader: _Reader) -> _Entry:
    name = reader.text(MAX_NAME_BYTES)
    n_dimensions = reader.scalar("<I")
    if n_dimensions > MAX_DIMENSIONS:
        raise WeightsError(f"{reader.path} is damaged: {name!r} has {n_dimensions} dimensions")
    shape = tuple(reader.scalar("<Q") for _ in range(n_dimensions))
    return _Entry(name, shape[::-1], reader.scalar("<I"), reader.scalar("<Q"))


def _located(path: Path, entry: _Entry, start: int, original: object) -> AnyTensor:
    offset = start + entry.offset
    stored: AnyTensor
    if entry.kind in PLAIN:
        stored = StoredTensor(path, offset, PLAIN[entry.kind], entry.shape)
    else:
        stored = _quantized(path, entry, offset)
    if isinstance(original, list) and all(isinstance(length, int) for length in original):
        if math.prod(original) != stored.numel:
            raise WeightsError(f"{path} is damaged: {entry.name!r} has {stored.numel} values, not the shape {original}")
        stored = stored.reshaped(tuple(original))
    return stored


def _quantized(path: Path, entry: _Entry, offset: int) -> QuantizedTensor:
    from gguf.constants import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import _type_traits

    known = {int(kind): GGML_QUANT_SIZES[kind] for kind in _type_traits}
    if entry.kind not in known:
        names = {int(kind): kind.name for kind in GGMLQuantizationType}
        raise WeightsError(
            f"{path}: {entry.name} is in the type {names.get(entry.kind, entry.kind)}, which is not read"
        )
    values, size_bytes = known[entry.kind]
    if not entry.shape or entry.shape[-1] % values:
        raise WeightsError(f"{path} is damaged: {entry.name!r} {entry.shape} is not made of blocks of {values} values")
    row_bytes = entry.shape[-1] // values * size_bytes
    packed = StoredTensor(path, offset, torch.uint8, (*entry.shape[:-1], row_bytes))
    return QuantizedTensor(path, entry.name, Ggml(entry.kind), {"weight": packed}, entry.shape, entry.shape)


def _require_whole(path: Path, tensors: dict[str, AnyTensor], size_bytes: int) -> None:
    places = {name: t if isinstance(t, StoredTensor) else t.parts["weight"] for name, t in tensors.items()}
    end = 0
    for name, part in sorted(places.items(), key=lambda item: item[1].offset):
        if part.offset < end:
            raise WeightsError(f"{path} is damaged: {name!r} lies over another tensor")
        end = part.offset + part.size_bytes
        if end > size_bytes:
            raise WeightsError(f"{path} is truncated: it has {size_bytes} of {end} bytes, and ends within {name!r}")
