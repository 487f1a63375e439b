"""`zimage serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from zimage_client.cli import local


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
