"""Tables of measurements, and where they go."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bench.machine import describe_machine


@dataclass(frozen=True)
class Row:
    """What was measured, the value, and the value that it must not exceed."""

    what: str
    value: str
    bar: str


def build_parser(description: str | None) -> argparse.ArgumentParser:
    """Returns a parser with the option that every script has."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, action="append", default=[], help="file with the marks")
    return parser


def publish(rows: list[Row], mark: str, files: Iterable[Path]) -> None:
    """Prints a table, and puts it between the marks of files."""
    table = render(rows, describe_machine())
    print(table)
    for file in files:
        write(table, file, mark)


def render(rows: list[Row], machine: str) -> str:
    lines = [f"Measured on {machine}.", "", "| what | measured | bar |", "|---|---|---|"]
    return "\n".join(lines + [f"| {row.what} | {row.value} | {row.bar} |" for row in rows])


def marks(mark: str) -> tuple[str, str]:
    """Returns what stands above and below a table in a file."""
    return f"<!-- {mark} -->", f"<!-- /{mark} -->"


def write(table: str, file: Path, mark: str) -> None:
    """Replaces what stands between the marks of a file."""
    begin, end = marks(mark)
    before, _, rest = file.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{file} has no {begin} … {end}")
    file.write_text(f"{before}{begin}\n{table}\n{end}{after}", "utf-8")
