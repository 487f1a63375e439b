"""`python -m backend`: serves the API and the browser UI from one process."""

from __future__ import annotations

import os
import sys
import threading

from backend.utils.streams import protect_output
from backend.utils.torch_library import imported_for_good, map_torch


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is told to stop; returns the exit status."""
    threading.Thread(target=map_torch, name="torch", daemon=True).start()  # on another core than the imports
    with imported_for_good():
        from backend.command import run
    return run(arguments)


if __name__ == "__main__":
    protect_output()
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that still computes must not hold the process up
