"""`zimage models`."""

from __future__ import annotations

import contextlib
import time
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from zimage_client.cli.completion import complete_model
from zimage_client.cli.connect import connected, connected_to_server
from zimage_client.cli.console import INTERRUPTED, messages, print_json, print_rows, say
from zimage_client.cli.options import AsJson, Local, Quiet, Server
from zimage_client.client import Client
from zimage_client.errors import Conflict, ZImageError
from zimage_client.types import Model

app = typer.Typer(no_args_is_help=True, help="The models, installed and not.")

POLL_S = 1.0
GIGABYTE = 1e9
Name = Annotated[str, typer.Argument(metavar="MODEL", help="Id of a model.", autocompletion=complete_model)]


@app.command("list")
def list_models(json: AsJson = False, server: Server = None, local: Local = False) -> None:
    """List the models; * is the one that is taken when none is named."""
    with connected(server, local=local) as client:
        models = client.models()
    if json:
        print_json(models.raw)
        return
    rows = [
        (model.id, "*" if model.id == models.default else "", _state(model), model.note or model.description)
        for model in models.models
    ]
    print_rows(("MODEL", "", "STATE", "NOTE"), rows, empty="No model is known.")


@app.command()
def download(
    name: Name,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Start it and end.", show_default=False)] = False,
    quiet: Quiet = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """Download a model of the family, or go on where that stopped. Ctrl-C stops it; what has come stays."""
    if no_wait and local:
        raise typer.BadParameter("without a server nothing is downloaded after the command has ended")
    with connected_to_server(server) if no_wait else connected(server, local=local, quiet=quiet) as client:
        if _find(name, client).installed:
            say(f"{name} is installed.")
            return
        _start(name, client)
        if no_wait:
            return
        try:
            _follow(name, client, quiet=quiet)
        except KeyboardInterrupt:
            with contextlib.suppress(ZImageError):
                client.cancel_model_download(name)
            say("Stopped. The same command goes on from here.")
            raise typer.Exit(INTERRUPTED) from None
    say(f"{name} is installed.")


@app.command()
def unload(server: Server = None) -> None:
    """Free the memory of the models that a server has loaded."""
    with connected_to_server(server) as client:
        client.unload_models()


def _start(name: str, client: Client) -> None:
    try:
        client.download_model(name)
    except Conflict:
        if _find(name, client).download.state != "running":  # else somebody has started it before
            raise


def _follow(name: str, client: Client, *, quiet: bool) -> None:
    console = messages()
    bar = Progress(
        TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
        TimeRemainingColumn(), console=console, transient=True, disable=quiet or not console.is_terminal,
    )  # fmt: skip
    said = ""
    with bar:
        row = bar.add_task(name, total=None)
        while not (model := _find(name, client)).installed:
            download = model.download
            if download.state == "failed":
                raise ZImageError(f"{name} was not downloaded: {download.message}")
            if download.state == "none":
                raise ZImageError(f"The download of {name} was stopped. The same command goes on from there.")
            bar.update(row, completed=download.done_bytes, total=download.total_bytes or None)
            if not quiet and not console.is_terminal and download.message != said:
                said = download.message
                say(said)
            time.sleep(POLL_S)


def _find(name: str, client: Client) -> Model:
    models = client.models().models
    for model in models:
        if model.id == name:
            return model
    raise ZImageError(f"There is no model {name!r}; there are {', '.join(model.id for model in models)}.")


def _state(model: Model) -> str:
    if model.download.state == "running":
        total = model.download.total_bytes
        return f"downloading, {100 * model.download.done_bytes / total:.0f} %" if total else "downloading"
    if model.installed:
        return "installed"
    return f"{model.download_gb:g} GB to download" if model.download_gb else "not whole"
