"""`zimage lora`."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from zimage_client.cli.completion import complete_lora, complete_model
from zimage_client.cli.connect import connected
from zimage_client.cli.console import print_json, print_rows, say
from zimage_client.cli.options import AsJson, Local, Server
from zimage_client.client import Client
from zimage_client.errors import NotFound, ZImageError
from zimage_client.types import LoraList

app = typer.Typer(no_args_is_help=True, help="The LoRAs that a request can name.")

LOOKS, LOOK_S = 60, 0.5
"""How often, and after what time, a server is asked that still reads new files."""
Model = Annotated[
    str | None,
    typer.Option("--model", "-m", help="Model that they are for; without it the one that draws.",
                 autocompletion=complete_model),
]  # fmt: skip


@app.callback()
def group() -> None:
    """The LoRAs that a request can name."""


@app.command("list")
def list_loras(model: Model = None, json: AsJson = False, server: Server = None, local: Local = False) -> None:
    """List the LoRAs: name, kind, rank, trigger words, and why one cannot be used."""
    with connected(server, local=local) as client, _said_of_old_servers():
        found = _look(client, model)
    if json:
        print_json([lora.raw for lora in found.loras])
        return
    rows = [
        (lora.name, lora.kind or "", lora.rank or "", ", ".join(lora.trigger_words), lora.problem or lora.warning or "")
        for lora in found.loras
    ]
    print_rows(("NAME", "KIND", "RANK", "WORDS", "NOTE"), rows, empty="No LoRA is here.")


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A .safetensors file.", exists=True, dir_okay=False, readable=True)],
    json: AsJson = False,
    server: Server = None,
    local: Local = False,
) -> None:
    """Send a LoRA. Its name goes to standard output; the same file again is the same LoRA."""
    with connected(server, local=local) as client, _said_of_old_servers():
        lora = client.add_lora(file)
    if json:
        print_json(lora.raw)
        return
    typer.echo(lora.name)
    if lora.name != file.stem:
        say(f"What {file.name} holds is here as {lora.name}.")
    if note := lora.problem or lora.warning:
        say(f"{lora.name}: {note}")


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="Name of a LoRA.", autocompletion=complete_lora)],
    server: Server = None,
    local: Local = False,
) -> None:
    """Delete a LoRA that was sent there, or lies in a folder of Z-Image's own."""
    with connected(server, local=local) as client:
        client.delete_lora(name)
    say(f"{name} is deleted.")


def _look(client: Client, model: str | None) -> LoraList:
    found = client.loras(model)
    for _ in range(LOOKS):
        if not found.n_unread:
            break
        time.sleep(LOOK_S)
        found = client.loras(model)
    return found


@contextlib.contextmanager
def _said_of_old_servers() -> Iterator[None]:
    try:
        yield
    except NotFound as error:
        if error.code != "not_found":  # not of a Z-Image at all
            raise
        raise ZImageError("This Z-Image has no LoRAs yet: a newer one does.") from None
