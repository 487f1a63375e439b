"""Standard output and error that cannot end the program: on a full disk, or when nobody reads them any more.

The service has the same in `backend/utils/streams.py`; the launcher runs before any of its packages can be imported.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Any, TextIO


class _Steady(io.FileIO):
    """Loses what cannot be written."""

    def write(self, data: Any, /) -> int:
        try:
            written = super().write(data)
        except OSError:
            written = None
        return memoryview(data).nbytes if written is None else written


def steady(stream: TextIO | None) -> TextIO:
    """Gives a stream to the same place that never raises."""
    if stream is None:  # closed when the program was started
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123
    raw = io.BufferedWriter(_Steady(stream.fileno(), "wb", closefd=False))
    return io.TextIOWrapper(raw, stream.encoding, "backslashreplace", line_buffering=True)


def steady_output() -> None:
    """Makes both streams steady."""
    sys.stdout, sys.stderr = steady(sys.stdout), steady(sys.stderr)
