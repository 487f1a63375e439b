"""The commands and what their errors become."""

from __future__ import annotations

import errno
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from zimage_client.cli import doctor, draw, history, loras, models, queue, serve
from zimage_client.cli.console import FAILED, INTERRUPTED, complain, exit_code_of
from zimage_client.connection import VERSION
from zimage_client.errors import ZImageError

HELP = """Draw images with Z-Image, from the command line.

Commands speak to the server at --server or ZIMAGE_URL, with the token in ZIMAGE_API_TOKEN; where none runs on this
machine, they draw in their own process.

They end with 0 when all is done, 1 when it failed, 2 for wrong usage, 130 when interrupted.
"""


class Commands(TyperGroup):
    """Commands whose errors are one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Runs a command."""
        try:
            return super().invoke(ctx)
        except ZImageError as error:
            complain(error.message)
            raise typer.Exit(exit_code_of(error)) from None
        except KeyboardInterrupt:
            complain("Interrupted.")
            raise typer.Exit(INTERRUPTED) from None
        except OSError as error:
            if error.errno == errno.EPIPE:  # nobody reads any more
                raise typer.Exit(FAILED) from None
            complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
            raise typer.Exit(FAILED) from None


app = typer.Typer(
    cls=Commands, help=HELP, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)  # fmt: skip


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"zimage {VERSION}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version.", show_default=False
        ),
    ] = False,
) -> None:
    """The command itself does nothing."""


app.command()(draw.generate)
app.command()(draw.edit)
app.add_typer(queue.app, name="queue")
app.add_typer(history.app, name="history")
app.add_typer(models.app, name="models")
app.add_typer(loras.app, name="lora")
app.command()(serve.serve)
app.command()(serve.mcp)
app.command()(doctor.doctor)
