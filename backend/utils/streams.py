"""Standard output and error that cannot fail: progress bars and prints of libraries must not end a task."""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class LossyFile(io.FileIO):
    """File that drops what it cannot write: its disk is full, or its reader is gone."""

    def write(self, data: Any, /) -> int:
        """Writes what it can; returns the size of what is dealt with."""
        try:
            written = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def protect_output() -> None:
    """Replaces the process's two streams by ones that drop what they cannot write."""
    sys.stdout, sys.stderr = _protected(sys.stdout), _protected(sys.stderr)


def _protected(stream: TextIO | None) -> TextIO:
    if stream is None:  # it was closed when the process was started
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 — for the life of the process
    writer = io.BufferedWriter(LossyFile(stream.fileno(), "wb", closefd=False))
    return io.TextIOWrapper(writer, stream.encoding, "backslashreplace", line_buffering=True)
