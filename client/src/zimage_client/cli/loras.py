"""`zimage lora`."""

from __future__ import annotations

import typer

from zimage_client.cli.connect import connected
from zimage_client.cli.console import print_json, print_rows
from zimage_client.cli.options import AsJson, Local, Server
from zimage_client.errors import NotFound, ZImageError

app = typer.Typer(no_args_is_help=True, help="The LoRAs that a request can name.")


@app.callback()
def group() -> None:
    """The LoRAs that a request can name."""


@app.command("list")
def list_loras(json: AsJson = False, server: Server = None, local: Local = False) -> None:
    """List the LoRAs."""
    with connected(server, local=local) as client:
        try:
            loras = client.loras()
        except NotFound as error:
            if error.code != "not_found":  # not of a Z-Image at all
                raise
            raise ZImageError("This Z-Image has no LoRAs yet: a newer one does.") from None
    if json:
        print_json([lora.raw for lora in loras])
        return
    print_rows(
        ("NAME", "KIND", "RANK"), [(lora.name, lora.kind, lora.rank) for lora in loras], empty="No LoRA is here."
    )
