"""Headers of safetensors files: what a file holds, read without its values and without torch.

The format is 8 bytes of header length (little endian), a JSON header with dtype, shape and byte range of every tensor,
then the values without a gap.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from zimage.errors import WeightsError

LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100 * 2**20


@dataclass(frozen=True)
class Header:
    """The JSON header of a file; its entries are not checked yet.

    Attributes:
        entries: descriptions of the tensors by name, metadata excluded.
        metadata: the file's own remarks; values that are no text are left out.
        start: offset of the first value in bytes, from the start of the file.
        file_bytes: size of the whole file.
    """

    entries: dict[str, Any]
    metadata: dict[str, str]
    start: int
    file_bytes: int


def read_entries(path: Path) -> Header:
    """Reads the header of a file.

    Raises:
        WeightsError: the file cannot be read, or its header is truncated, too long or no JSON object.
    """
    try:
        with path.open("rb", buffering=0) as file:
            return _read(file, path, path.stat().st_size)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error


def count_values(path: Path) -> int:
    """Returns the number of values in a file, whatever their dtype.

    Raises:
        WeightsError: the file cannot be read, it is truncated, or its header is damaged.
    """
    header = read_entries(path)
    try:
        end = header.start + max((entry["data_offsets"][1] for entry in header.entries.values()), default=0)
        count: int = sum(math.prod(entry["shape"]) for entry in header.entries.values())
    except (LookupError, TypeError) as error:
        raise WeightsError(f"{path} is damaged: an entry of its header has no shape or no place") from error
    if end > header.file_bytes:
        raise WeightsError(f"{path} is truncated: it has {header.file_bytes} of {end} bytes")
    return count


def _read(file: FileIO, path: Path, file_bytes: int) -> Header:
    length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    start = LENGTH_BYTES + length
    if file_bytes < LENGTH_BYTES or (start > file_bytes and length <= MAX_HEADER_BYTES):
        raise WeightsError(f"{path} is truncated: its header ends at byte {start}, the file at {file_bytes}")
    if length > MAX_HEADER_BYTES:
        raise WeightsError(f"{path} is damaged or no safetensors file: a header of {length} bytes cannot be right")
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: its header is no JSON") from error
    if not isinstance(header, dict):
        raise WeightsError(f"{path} is damaged: its header is a {type(header).__name__}, not an object")
    remarks = header.pop("__metadata__", None)
    metadata = (
        {key: text for key, text in remarks.items() if isinstance(text, str)} if isinstance(remarks, dict) else {}
    )
    return Header(header, metadata, start, file_bytes)
