"""`zimage doctor`."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import typer
from rich.console import Console

from zimage_client.cli import local
from zimage_client.cli.connect import address_of
from zimage_client.cli.console import FAILED, print_json
from zimage_client.cli.options import AsJson, Server
from zimage_client.client import Client
from zimage_client.connection import Address, is_listening
from zimage_client.errors import Unauthorized, ZImageError
from zimage_client.retries import Retries

OLDEST_PYTHON = (3, 11)
SIGNS = {"ok": ("ok", "green"), "note": ("note", "yellow"), "problem": ("WRONG", "red")}
LOOK_S = 10.0
Row = dict[str, Any]


def doctor(json: AsJson = False, server: Server = None) -> None:
    """Look for what is wrong with this machine and the server, and say what helps. Ends with 1 if something is."""
    rows = [*_python(), *_machine(), *_server(address_of(server), named=bool(server or os.environ.get("ZIMAGE_URL")))]
    if json:
        print_json(rows)
    else:
        console = Console(highlight=False, markup=False, soft_wrap=True)
        for row in rows:
            sign, style = SIGNS[row["state"]]
            console.print(f"{sign:>5}", style=style, end="  ")
            console.print(f"{row['check']}: {row['message']}" + (f" {row['help']}" if row["help"] else ""))
    if any(row["state"] == "problem" for row in rows):
        raise typer.Exit(FAILED)


def _python() -> Iterator[Row]:
    version = platform.python_version()
    if sys.version_info < OLDEST_PYTHON:
        yield _row("python", "problem", f"{version} is too old.", "Install Python 3.11 or newer.")
    else:
        yield _row("python", "ok", f"{version} at {sys.executable}.")


def _machine() -> Iterator[Row]:
    if not local.has_backend():
        yield _row(
            "machine", "note", "Only the client is installed here, so this machine's own parts are not looked at."
        )
        return
    for finding in local.examine():
        yield _row(finding.check, finding.state, finding.message, finding.help)


def _server(address: Address, *, named: bool) -> Iterator[Row]:
    if address.is_local and not is_listening(address):
        state = "problem" if named else "note"
        yield _row("server", state, f"None listens at {address}.", "`zimage serve` starts one.")
        return
    try:
        with Client(str(address), timeout=httpx.Timeout(LOOK_S), retries=Retries(attempts=1)) as client:
            readiness = client.readiness()
            wrong = [name for name, is_well in readiness.checks.items() if not is_well]
            if readiness.is_ready:
                yield _row("server", "ok", f"{address} takes tasks.")
            else:
                yield _row("server", "problem", f"{address} takes no tasks: {', '.join(wrong)}.", _help_with(wrong))
            version = client.capabilities().version
            yield _row("token", "ok", f"{address} lets this command in; its version is {version}.")
    except Unauthorized as error:
        yield _row("token", "problem", error.message, "Set ZIMAGE_API_TOKEN to a token of that server.")
    except (ZImageError, ImportError, ValueError) as error:
        yield _row("server", "problem", str(error), "Look at the address (--server, ZIMAGE_URL) and the server's log.")


def _help_with(wrong: list[str]) -> str:
    helps = {
        "engine": "A device or a worker has failed: restart the server.",
        "accepting": "The server is about to be restarted: wait.",
        "model": "Download a model: zimage models download z-image-turbo.",
        "disk": "Free some space on its disk.",
    }
    return " ".join(helps[name] for name in wrong if name in helps)


def _row(check: str, state: str, message: str, help: str = "") -> Row:
    return {"check": check, "state": state, "message": message, "help": help}
