"""The protocol over standard input and output, for hosts that start their servers themselves.

Standard output carries the protocol alone: while it is served, whatever else writes there goes to standard error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend.api.compat.mcp.places import Places

INTERRUPTED = 130
MISSING = "zimage mcp: the package `mcp` is not installed: .venv/bin/pip install -c constraints.txt mcp"


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves until the host closes standard input; returns the exit status."""
    options = _parser().parse_args(arguments)
    if find_spec("mcp") is None:
        print(MISSING, file=sys.stderr)
        return 1
    from backend.api.compat.mcp.places import Places

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        places = Places(options.server, local=options.local)
    except ValueError as error:
        print(f"zimage mcp: {error}", file=sys.stderr)
        return 2
    try:
        asyncio.run(_serve(places))
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


async def _serve(places: Places) -> None:
    from mcp.server.stdio import stdio_server

    from backend.api.compat.mcp.server import build_server

    server = build_server(lambda _context: places.open())
    _end_on_signals(places)
    async with places, stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _end_on_signals(places: Places) -> None:
    """Ends what is drawn, and then the process: nothing else wakes the thread that reads standard input."""
    loop = asyncio.get_running_loop()
    ending: list[asyncio.Task[None]] = []

    async def end() -> None:
        await places.end()
        os._exit(INTERRUPTED)

    for name in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows, where hosts close standard input
            loop.add_signal_handler(name, lambda: ending.append(asyncio.create_task(end())))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zimage mcp", description="Serves MCP over standard input and output.")
    parser.add_argument("--server", "--url", metavar="URL", help="address of the server (ZIMAGE_URL)")
    parser.add_argument("--local", action="store_true", help="draw in this process, without looking for a server")
    return parser
