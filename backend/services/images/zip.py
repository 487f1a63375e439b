"""Zip files, written while they are sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

_CHUNK_BYTES = 256 * 1024


class _Pipe:
    """A file that can only be written; what was written is taken out piece by piece."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes, /) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content


def stream_zip(files: Iterable[Path]) -> Iterator[bytes]:
    """Yields a zip of files, uncompressed since PNG does not shrink. Files that are missing by then are left out."""
    pipe = _Pipe()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_STORED) as archive:
        for path in files:
            try:
                entry = zipfile.ZipInfo.from_file(path, path.name, strict_timestamps=False)  # zip's years begin in 1980
                source = path.open("rb")
            except OSError:
                continue
            with source, archive.open(entry, "w") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    yield pipe.take()
    yield pipe.take()
