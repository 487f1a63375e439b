"""Shared by the command lines: progress in bytes, and one-line errors."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TextIO

from zimage.errors import ZImageError

GB = 1e9


class Progress:
    """Progress of a copy, on one line of a terminal or a few lines of a log.

    Args:
        total_bytes: size of the whole work.
        stream: output; default: standard error.
    """

    def __init__(self, total_bytes: int, stream: TextIO | None = None) -> None:
        self._total_bytes = total_bytes
        self._stream = stream or sys.stderr
        self._step_percent = 1 if self._stream.isatty() else 10
        self._end = "\r" if self._stream.isatty() else "\n"
        self._done_bytes = 0
        self._reported_percent = 0

    def __call__(self, n_bytes: int) -> None:
        """Adds bytes, and prints when the percentage has advanced enough."""
        self._done_bytes += n_bytes
        percent = 100 if not self._total_bytes else 100 * self._done_bytes // self._total_bytes
        if percent - self._reported_percent < (self._step_percent if percent < 100 else 1):
            return
        self._reported_percent = percent
        end = "\n" if percent >= 100 else self._end
        text = f"{percent:3d} %  {self._done_bytes / GB:.2f} of {self._total_bytes / GB:.2f} GB"
        print(text, end=end, file=self._stream, flush=True)


def run(command: Callable[[], int]) -> int:
    """Runs a command and returns its exit status.

    Errors of the library and of the system are printed as one line, with status 1.
    """
    try:
        return command()
    except (ZImageError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
