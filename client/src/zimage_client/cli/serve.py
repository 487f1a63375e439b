"""`zimage serve` and `zimage mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from zimage_client.cli import local
from zimage_client.cli.options import Local, Server


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on [ZIMAGE_HOST].")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port of the REST API [ZIMAGE_PORT].")] = None,
    web_port: Annotated[
        int | None, typer.Option("--web-port", help="Port of the browser UI [ZIMAGE_WEB_PORT].")
    ] = None,
    data_dir: Annotated[
        str | None, typer.Option("--data-dir", help="Where images and history are kept [ZIMAGE_DATA_DIR].")
    ] = None,
    root_path: Annotated[
        str | None, typer.Option("--root-path", help="Sub-path behind a reverse proxy [ZIMAGE_ROOT_PATH].")
    ] = None,
) -> None:
    """Serve the REST API and the browser UI until Ctrl-C, as start_backend does."""
    values = {"--host": host, "--port": port, "--web-port": web_port, "--data-dir": data_dir, "--root-path": root_path}
    arguments = [part for name, value in values.items() if value is not None for part in (name, str(value))]
    raise typer.Exit(local.serve(arguments))


def mcp(server: Server = None, local_only: Local = False) -> None:
    """Serve MCP over standard input and output, for a program with a language model that starts this command."""
    arguments = [*(["--server", server] if server is not None else []), *(["--local"] if local_only else [])]
    raise typer.Exit(local.serve_mcp(arguments))
