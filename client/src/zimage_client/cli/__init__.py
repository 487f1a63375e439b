"""The command `zimage`."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from types import FrameType


def main() -> None:
    """Runs a command and ends the process with its exit code."""
    try:
        from zimage_client.cli.app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.exit("zimage: the command needs typer and rich: pip install 'zimage-client[cli]'")
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a terminal without Chinese shows what it can
    signal.signal(signal.SIGTERM, _interrupt)
    code: object = 0
    try:
        app(prog_name="zimage")
    except SystemExit as ended:
        code = ended.code
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    _flush()
    os._exit(
        code if isinstance(code, int) else int(code is not None)
    )  # a thread that still computes must not hold it up


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads any more
            stream.flush()
