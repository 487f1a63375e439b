"""Append-only log of changes beside a main file, one line a change."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from backend.utils.atomic_file import sync_directory

logger = logging.getLogger(__name__)


class ChangeLog:
    """Changes that the main file lacks; a reader replays them. Used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.size = 0
        """Number of lines."""
        self.is_sound = True
        """Whether lines may be appended; if not, write the main file."""

    @property
    def is_whole(self) -> bool:
        """Whether it may be appended to: it is sound, and nobody has removed it."""
        return self.is_sound and (self.size == 0 or self._file.exists())

    @property
    def name(self) -> str:
        """Name of the file."""
        return self._file.name

    def append(self, lines: list[bytes]) -> None:
        """Appends lines; returns when they are on the disk.

        Raises:
            OSError: The disk refuses. The lines are taken back; part of them remains if it refuses that, too. The log
                is no longer sound.
        """
        is_new = not self._file.exists()
        with self._file.open("ab") as file:
            start = file.tell()
            try:
                file.write(b"".join(line + b"\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
                if is_new:
                    sync_directory(self._file.parent)
            except OSError:
                self.is_sound = False
                file.truncate(start)
                raise
        self.size += len(lines)

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yields the number and the text of every line; none when there is no log."""
        try:
            lines = self._file.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        for number, line in enumerate(lines, 1):
            if line:
                self.size += 1
                yield number, line

    def clear(self) -> None:
        """Removes the log, once the main file has its changes.

        One that cannot be removed is emptied.
        """
        self.size, self.is_sound = 0, True
        if not self._file.exists():
            return
        try:
            try:
                self._file.unlink()
            except OSError:  # on Windows, another program may hold it open
                os.truncate(self._file, 0)
            sync_directory(self._file.parent)
        except OSError as error:
            logger.error("%s could not be removed: %s", self._file.name, error)
