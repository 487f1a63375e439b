"""Writing of safetensors files from stored tensors, chunk by chunk and atomically."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import torch

from zimage.errors import WeightsError
from zimage.weights.safetensors_file import DTYPE_NAMES, StoredTensor, chunks, read_header
from zimage.weights.safetensors_header import LENGTH_BYTES

ALIGNMENT_BYTES = 8
PART_SUFFIX = ".part"
OnBytes = Callable[[int], None]


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor to write.

    Attributes:
        parts: stored tensors, concatenated along the first axis.
        dtype: dtype to write.
    """

    name: str
    parts: tuple[StoredTensor, ...]
    dtype: torch.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the concatenated parts."""
        first = self.parts[0].shape
        return first if len(self.parts) == 1 else (sum(part.shape[0] for part in self.parts), *first[1:])

    @property
    def size_bytes(self) -> int:
        """Size of the values as written."""
        return sum(part.numel for part in self.parts) * self.dtype.itemsize


def plan(name: str, parts: Sequence[StoredTensor], dtype: torch.dtype | None) -> PlannedTensor:
    """Plans a tensor; only floating-point values are cast, None casts nothing.

    Raises:
        WeightsError: the parts cannot be concatenated.
    """
    kinds = {(part.dtype, part.shape[1:]) for part in parts}
    if len(kinds) != 1:
        raise WeightsError(f"{name} cannot be joined from parts of different kinds: {kinds}")
    stored = parts[0].dtype
    return PlannedTensor(name, tuple(parts), dtype if dtype is not None and stored.is_floating_point else stored)


def write_file(path: Path, tensors: Iterable[PlannedTensor], on_bytes: OnBytes | None = None) -> None:
    """Writes a file atomically: under another name, flushed, then renamed.

    Args:
        path: path of the file; an existing one is replaced.
        tensors: written in order of falling item size, for alignment.
        on_bytes: called with the number of newly written bytes.

    Raises:
        OSError: writing fails; `path` is unchanged.
        WeightsError: a source is truncated or cannot be read.
    """
    ordered = sorted(tensors, key=lambda tensor: -tensor.dtype.itemsize)  # stable: else the given order
    temporary = path.with_name(path.name + PART_SUFFIX)
    try:
        with temporary.open("wb") as file:
            file.write(_header(ordered))
            for tensor in ordered:
                _write_values(file, tensor, on_bytes)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_written(path: Path, tensors: Sequence[PlannedTensor]) -> bool:
    """Whether a file exists and holds exactly these tensors, by header and size."""
    if not path.is_file():
        return False
    try:
        found = read_header(path)
    except WeightsError:
        return False
    return {name: (stored.dtype, stored.shape) for name, stored in found.items()} == {
        tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors
    }


def _header(tensors: Sequence[PlannedTensor]) -> bytes:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        start, end = end, end + tensor.size_bytes
        entries[tensor.name] = {
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    encoded = json.dumps(entries, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % ALIGNMENT_BYTES)
    return len(encoded).to_bytes(LENGTH_BYTES, "little") + encoded


def _write_values(file: BinaryIO, tensor: PlannedTensor, on_bytes: OnBytes | None) -> None:
    for part in tensor.parts:
        for chunk in chunks(part):
            file.write(chunk.to(tensor.dtype).view(torch.uint8).numpy().data)
            if on_bytes:
                on_bytes(len(chunk) * tensor.dtype.itemsize)
