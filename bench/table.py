"""Tables of measurements, and where they go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Row:
    """What was measured, the value, and the value that it must not exceed."""

    what: str
    value: str
    bar: str


def render(rows: list[Row], machine: str) -> str:
    lines = [f"Measured on {machine}.", "", "| what | measured | bar |", "|---|---|---|"]
    return "\n".join(lines + [f"| {row.what} | {row.value} | {row.bar} |" for row in rows])


def write(table: str, file: Path, mark: str) -> None:
    """Replaces what stands between the marks of a file."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    before, _, rest = file.read_text("utf-8").partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{file} has no {begin} … {end}")
    file.write_text(f"{before}{begin}\n{table}\n{end}{after}", "utf-8")
