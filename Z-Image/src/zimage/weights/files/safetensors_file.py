"""Reading of safetensors files, tensor by tensor.

Files are untrusted: every number of a header is checked before use. Values are read with plain reads, not a memory
map, so a process holds no more than it asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zimage.errors import WeightsError
from zimage.weights.files.safetensors_header import read_entries

DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
READ_AS = {**DTYPES, "F8_E8M0": torch.uint8}  # exponents of block scales, decoded with what they scale
DTYPE_NAMES = {dtype: name for name, dtype in DTYPES.items()}
CHUNK_VALUES = 16 * 2**20


@dataclass(frozen=True)
class StoredTensor:
    """Location, dtype and shape of a stored tensor, without its values.

    Attributes:
        offset: position of the first byte in the file.
    """

    path: Path
    offset: int
    dtype: torch.dtype
    shape: tuple[int, ...]

    @property
    def numel(self) -> int:
        """Number of values."""
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        """Size of the stored values."""
        return self.numel * self.dtype.itemsize

    @property
    def format(self) -> str:
        """Name of the dtype in safetensors files, for example `BF16`."""
        return DTYPE_NAMES[self.dtype]

    def rows(self, start: int, stop: int) -> StoredTensor:
        """Returns the slice [start, stop) along the first axis."""
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        return StoredTensor(self.path, self.offset + start * row_bytes, self.dtype, (stop - start, *self.shape[1:]))

    def reshaped(self, shape: tuple[int, ...]) -> StoredTensor:
        """Returns the same values in another shape."""
        return replace(self, shape=shape)

    def fitted(self, shape: tuple[int, ...]) -> StoredTensor:  # noqa: ARG002
        """Returns itself: nothing is padded."""
        return self

    def read(self, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Tensor:
        """Reads the values; see `read_tensor`."""
        return read_tensor(self, dtype, device)


@dataclass(frozen=True)
class FileContent:
    """What the header of a file says: tensors by name, in file order, and metadata."""

    tensors: dict[str, StoredTensor]
    metadata: dict[str, str]


def read_header(path: Path) -> dict[str, StoredTensor]:
    """Returns the tensors of a file by name, in file order.

    Raises:
        WeightsError: the file is missing, truncated or damaged; the message names it.
    """
    return read_content(path).tensors


def read_content(path: Path) -> FileContent:
    """Reads what the header of a file says.

    Raises:
        WeightsError: the file is missing, truncated or damaged; the message names it.
    """
    header = read_entries(path)
    tensors = {name: _stored(path, name, entry, header.start) for name, entry in header.entries.items()}
    in_order = dict(sorted(tensors.items(), key=lambda item: (item[1].offset, item[1].size_bytes)))
    _require_no_gaps(path, in_order, header.start, header.file_bytes)
    return FileContent(in_order, header.metadata)


def read_tensor(stored: StoredTensor, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Tensor:
    """Reads one tensor, with one chunk of extra memory if it is cast or moved.

    Args:
        stored: the tensor to read.
        dtype: dtype of floating-point values; None keeps theirs. Integers are never cast.
        device: device of the result.

    Raises:
        WeightsError: the file ends too early or cannot be read.
    """
    wanted = dtype if dtype is not None and stored.dtype.is_floating_point else stored.dtype
    tensor = torch.empty(stored.shape, dtype=wanted, device=device)
    if wanted == stored.dtype and tensor.device.type == "cpu":
        # Not by way of a chunk: chunks that come and go between tensors that stay leave gaps, a third of the memory.
        with _opened(stored) as file:
            _fill(file, tensor.view(-1), stored.path)
    else:
        copy_into(stored, tensor.view(-1))
    return tensor


def copy_into(stored: StoredTensor, flat: Tensor) -> None:
    """Copies the values into a flat tensor, cast and moved chunk by chunk."""
    start = 0
    for chunk in chunks(stored):
        flat[start : start + len(chunk)].copy_(chunk)
        start += len(chunk)


def chunks(stored: StoredTensor) -> Iterator[Tensor]:
    """Yields the values in chunks, which share one buffer.

    Raises:
        WeightsError: the file ends too early or cannot be read.
    """
    # Never a smaller one: the system takes such a large block back, where small ones leave gaps between what stays.
    buffer = torch.empty(CHUNK_VALUES, dtype=stored.dtype)
    with _opened(stored) as file:
        for start in range(0, stored.numel, CHUNK_VALUES):
            chunk = buffer[: stored.numel - start]
            _fill(file, chunk, stored.path)
            yield chunk


@contextmanager
def _opened(stored: StoredTensor) -> Iterator[FileIO]:
    """Opens the file where the tensor begins."""
    try:
        with stored.path.open("rb", buffering=0) as file:
            file.seek(stored.offset)
            yield file
    except OSError as error:
        raise WeightsError(f"{stored.path} cannot be read: {error.strerror}") from error


def _fill(file: FileIO, part: Tensor, path: Path) -> None:
    view = part.view(torch.uint8).numpy().data
    while view:
        count = file.readinto(view)
        if not count:
            raise WeightsError(f"{path} is truncated: it ends {len(view)} bytes before a tensor does")
        view = view[count:]


def _stored(path: Path, name: str, entry: Any, start: int) -> StoredTensor:
    match entry:
        case {"dtype": str(dtype), "shape": [*shape], "data_offsets": [int(first), int(last)]} if all(
            type(length) is int and length >= 0 for length in shape
        ):
            if dtype not in READ_AS:
                raise WeightsError(f"{path}: {name!r} has the dtype {dtype!r}, which is none of {', '.join(READ_AS)}")
            stored = StoredTensor(path, start + first, READ_AS[dtype], tuple(shape))
            if first >= 0 and last - first == stored.size_bytes:
                return stored
    raise WeightsError(f"{path} is damaged: the header's entry of {name!r} makes no sense")


def _require_no_gaps(path: Path, in_order: dict[str, StoredTensor], start: int, size_bytes: int) -> None:
    end = start
    for name, stored in in_order.items():
        if stored.offset != end:
            raise WeightsError(f"{path} is damaged: {name!r} begins at byte {stored.offset}, expected {end}")
        end += stored.size_bytes
    if end > size_bytes:
        cut = next(name for name, stored in in_order.items() if stored.offset + stored.size_bytes > size_bytes)
        raise WeightsError(f"{path} is truncated: it has {size_bytes} of {end} bytes, and ends within {cut!r}")
    if end < size_bytes:
        raise WeightsError(f"{path} is damaged: {size_bytes - end} bytes follow the last tensor")
