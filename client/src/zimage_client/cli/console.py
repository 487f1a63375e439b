"""What a person reads on standard error, and what a program reads on standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from zimage_client.errors import InvalidRequest, ZImageError

FAILED, USAGE, INTERRUPTED = 1, 2, 130


def messages() -> Console:
    """Returns the console of standard error: colours on a terminal only, and none with `NO_COLOR`."""
    return Console(stderr=True, highlight=False, markup=False, soft_wrap=True)


def say(text: str) -> None:
    """Tells a person something."""
    messages().print(text)


def complain(text: str) -> None:
    """Tells why it has failed, in one line."""
    messages().print(f"zimage: {' '.join(text.split())}", style="red")


def exit_code_of(error: ZImageError) -> int:
    """Returns the exit code that an error stands for: values that the server does not take are wrong usage."""
    return USAGE if isinstance(error, InvalidRequest) else FAILED


def print_json(value: object) -> None:
    """Writes JSON to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """Writes a table for a person; for a program, lines of values between tabs, without a head."""
    if not sys.stdout.isatty():
        for row in rows:
            typer.echo("\t".join(_one_line(value) for value in row))
        return
    if not rows:
        say(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold" if column == "ID" else "ellipsis", no_wrap=column != "NOTE")
    for row in rows:
        table.add_row(*(_one_line(value) for value in row))
    Console(highlight=False, markup=False).print(table)


def _one_line(value: object) -> str:
    return " ".join(str("" if value is None else value).split())
