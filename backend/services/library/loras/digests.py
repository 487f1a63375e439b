"""Digests of LoRAs: computed when one is needed, kept until the file changes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

BLOCK_BYTES = 2**20
LENGTH_BYTES = 8
SHORT = 12
"""Digits of a digest that other programs write."""


class Digest(NamedTuple):
    """SHA-256 of a file, and of its values alone, which other programs name a LoRA by (AutoV3)."""

    sha256: str
    values_sha256: str

    @property
    def short(self) -> str:
        """What other programs write."""
        return self.values_sha256[:SHORT]

    def begins_with(self, text: str) -> bool:
        """Tells whether a text is the beginning of one of the two."""
        return self.sha256.startswith(text) or self.values_sha256.startswith(text)


class Digester:
    """Digest of a safetensors file that comes in pieces."""

    def __init__(self) -> None:
        self._whole, self._values = hashlib.sha256(), hashlib.sha256()
        self._head = b""
        self._to_skip: int | None = None
        """Bytes of the header that are still to come; None while its length is not known."""

    def add(self, content: bytes) -> None:
        """Takes in the next piece."""
        self._whole.update(content)
        if self._to_skip is None:
            self._head += content
            if len(self._head) < LENGTH_BYTES:
                return
            content = self._head[LENGTH_BYTES:]
            self._to_skip = int.from_bytes(self._head[:LENGTH_BYTES], "little")
            self._head = b""
        skipped = min(self._to_skip, len(content))
        self._to_skip -= skipped
        if skipped < len(content):
            self._values.update(memoryview(content)[skipped:])

    def digest(self) -> Digest:
        """Returns the digest of what has come."""
        return Digest(self._whole.hexdigest(), self._values.hexdigest())


def read_digest(path: Path) -> Digest:
    """Reads a file to its end.

    Raises:
        OSError: it cannot be read.
    """
    digester = Digester()
    with path.open("rb", buffering=0) as file:
        while content := file.read(BLOCK_BYTES):
            digester.add(content)
    return digester.digest()
