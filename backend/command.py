"""The command line of the server: its options, its log, and what it says when it cannot start."""

from __future__ import annotations

import argparse
import logging
import sys
from logging.handlers import RotatingFileHandler

from pydantic import ValidationError

from backend.models.config import Settings
from backend.models.setting_faults import describe_faults
from backend.server import PortTaken, serve
from backend.utils.folder_lock import FolderInUse, FolderNotLockable
from backend.utils.log_format import JsonFormatter, TextFormatter
from backend.utils.record_file import NewerFormat


def run(arguments: list[str] | None = None) -> int:
    """Runs until it is told to stop; returns the exit status."""
    options = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    try:
        settings = Settings(**options)
    except ValidationError as error:
        return _fail(describe_faults(error))
    try:
        configure_logging(settings)
        serve(settings)
    except (
        PortTaken,
        FolderInUse,
        FolderNotLockable,
        NewerFormat,
        OSError,
    ) as error:  # OSError: the data folder cannot be written
        return _fail(str(error))
    return 0


def configure_logging(settings: Settings) -> None:
    """Sends the log to standard error and, when the settings name one, into a file that is rotated.

    Raises:
        OSError: the file cannot be written.
    """
    handlers: list[logging.Handler] = [logging.StreamHandler()]
    if settings.log_file is not None:
        settings.log_file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            RotatingFileHandler(
                settings.log_file, maxBytes=10 * 2**20, backupCount=5, encoding="utf-8", errors="backslashreplace"
            )
        )
    for handler in handlers:
        handler.setFormatter(JsonFormatter() if settings.log_format == "json" else TextFormatter())
    logging.basicConfig(level=settings.log_level, handlers=handlers, force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m backend", description="Serves the API and the browser UI from one process."
    )
    parser.add_argument("--host", help="address to listen on (ZIMAGE_HOST, default 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port of the REST API (ZIMAGE_PORT, default 15000)")
    parser.add_argument("--web-port", type=int, help="port of the browser UI (ZIMAGE_WEB_PORT, default 15001)")
    parser.add_argument("--data-dir", help="where pictures and history are kept (ZIMAGE_DATA_DIR, default data/)")
    parser.add_argument(
        "--root-path", help="sub-path behind a reverse proxy, as /zimage (ZIMAGE_ROOT_PATH, default none)"
    )
    return parser


def _fail(message: str) -> int:
    print(f"Z-Image cannot start: {message}", file=sys.stderr)
    return 1
