"""Zip files, written while they are sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from itertools import chain, count
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


def _distinct(name: str, taken: set[str]) -> str:
    """Numbers a name that another file has, whatever its case: `fox.png`, `fox-2.png`."""
    stem, _, ending = name.rpartition(".")
    numbered = chain([name], (f"{stem}-{number}.{ending}" for number in count(2)))
    distinct = next(name for name in numbered if name.casefold() not in taken)
    taken.add(distinct.casefold())
    return distinct


def stream_zip(files: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """Yields a zip of files under these names, uncompressed since PNG does not shrink.

    Files that are missing by then are left out.
    """
    pipe = _Pipe()
    taken: set[str] = set()
    with zipfile.ZipFile(cast("IO[bytes]", pipe), "w", zipfile.ZIP_STORED) as archive:
        for path, name in files:
            try:
                entry = zipfile.ZipInfo.from_file(path, name, strict_timestamps=False)  # zip's years begin in 1980
                source = path.open("rb")
            except OSError:
                continue
            entry.filename = _distinct(name, taken)
            with source, archive.open(entry, "w") as target:
                while chunk := source.read(_CHUNK_BYTES):
                    target.write(chunk)
                    yield pipe.take()
    yield pipe.take()
