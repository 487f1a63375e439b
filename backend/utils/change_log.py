"""A file beside another one, to which changes are appended, a line each, so that a change costs what it weighs."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from backend.utils.atomic_file import sync_directory

logger = logging.getLogger(__name__)


class ChangeLog:
    """What the main file lacks. Used by one thread at a time; who reads it replays it on top of the main file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.size = 0
        """Lines that the main file may lack."""
        self.is_sound = True
        """Whether a line may be appended; else the next change has to write the main file."""

    @property
    def name(self) -> str:
        """Name of the file."""
        return self._file.name

    def append(self, lines: list[bytes]) -> None:
        """Adds lines; returns when they are on the disk.

        Raises:
            OSError: the disk refuses; half a line may stand there now, and the log is not sound any more.
        """
        is_new = not self._file.exists()
        with self._file.open("ab") as file:
            start = file.tell()
            try:
                file.write(b"".join(line + b"\n" for line in lines))
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                self.is_sound = False
                file.truncate(start)
                raise
        if is_new:
            sync_directory(self._file.parent)
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
        """Forgets everything, because the main file has it now.

        One that stayed would undo what is changed from here on: what cannot be removed is at least emptied.
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
