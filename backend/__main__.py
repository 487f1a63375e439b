"""`python -m backend`: serves the API and the browser UI from one process."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from pydantic import ValidationError

from backend.models.config import Settings
from backend.server import PortTaken, serve
from backend.services.errors import NewerFormat
from backend.utils.folder_lock import FolderInUse


def main(arguments: list[str] | None = None) -> int:
    """Runs until it is told to stop; returns the exit status."""
    options = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    try:
        settings = Settings(**options)
    except ValidationError as error:
        return _fail(" ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}".lstrip(": ") for e in error.errors()))
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        serve(settings)
    except (PortTaken, FolderInUse, NewerFormat, OSError) as error:  # OSError: the data folder cannot be written
        return _fail(str(error))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend", description=__doc__)
    parser.add_argument("--host", help="address to listen on (ZIMAGE_HOST, default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the REST API (ZIMAGE_PORT, default 15000)")
    parser.add_argument("--web-port", type=int, help="port of the browser UI (ZIMAGE_WEB_PORT, default 15001)")
    parser.add_argument("--data-dir", help="where pictures and history are kept (ZIMAGE_DATA_DIR, default data/)")
    return parser


def _fail(message: str) -> int:
    print(f"Z-Image cannot start: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # a thread that still computes must not hold the process up
