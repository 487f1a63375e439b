"""Header of a safetensors file."""

from __future__ import annotations

import json
import math
from pathlib import Path

_LENGTH_BYTES = 8
_MAX_HEADER_BYTES = 100 * 2**20


def count_values(path: Path) -> int:
    """Returns the number of values in a file, whatever their dtype.

    Raises:
        ValueError: The header is damaged.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(_LENGTH_BYTES), "little")
        if length > _MAX_HEADER_BYTES:
            raise ValueError(f"{path.name}: a header of {length} bytes cannot be right")
        header = json.loads(file.read(length))
    return sum(math.prod(entry["shape"]) for name, entry in header.items() if name != "__metadata__")
