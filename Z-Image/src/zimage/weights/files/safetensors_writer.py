"""Writing of safetensors files from stored tensors, chunk by chunk and atomically."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from zimage.errors import WeightsError
from zimage.weights.files.safetensors_file import DTYPE_NAMES, StoredTensor, chunks, read_header
from zimage.weights.files.safetensors_header import LENGTH_BYTES

ALIGNMENT_BYTES = 8
PART_SUFFIX = ".part"
OnBytes = Callable[[int], None]


class Writable(Protocol):
    """A tensor to write, whose values are made when they are written."""

    @property
    def name(self) -> str:
        """Name in the file."""

    @property
    def dtype(self) -> torch.dtype:
        """Dtype to write."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape to write."""

    def values(self) -> Iterator[Tensor]:
        """Yields the values in order, in tensors of any shape and of `dtype`."""


def bytes_of(tensor: Writable) -> int:
    """Returns the size of the values as written."""
    return math.prod(tensor.shape) * tensor.dtype.itemsize


@dataclass(frozen=True)
class PlannedTensor:
    """A tensor to write, copied or cast from stored ones.

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
        return bytes_of(self)

    def values(self) -> Iterator[Tensor]:
        """Yields the values of the parts, chunk by chunk."""
        return (chunk.to(self.dtype) for part in self.parts for chunk in chunks(part))


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


def write_file(path: Path, tensors: Iterable[Writable], on_bytes: OnBytes | None = None) -> None:
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
                for values in tensor.values():
                    file.write(values.contiguous().view(-1).view(torch.uint8).numpy().data)
                    if on_bytes:
                        on_bytes(values.nbytes)
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


def _header(tensors: Sequence[Writable]) -> bytes:
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for tensor in tensors:
        start, end = end, end + bytes_of(tensor)
        entries[tensor.name] = {
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [start, end],
        }
    encoded = json.dumps(entries, separators=(",", ":")).encode()
    encoded += b" " * (-len(encoded) % ALIGNMENT_BYTES)
    return len(encoded).to_bytes(LENGTH_BYTES, "little") + encoded
