"""`zimage mcp`."""

from __future__ import annotations

import typer

from zimage_client.cli import local
from zimage_client.cli.options import Local, Server


def mcp(server: Server = None, local_only: Local = False) -> None:
    """Serve MCP over standard input and output, for a program with a language model that starts this command."""
    arguments = [*(["--server", server] if server is not None else []), *(["--local"] if local_only else [])]
    raise typer.Exit(local.serve_mcp(arguments))
