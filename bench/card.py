"""What a card draws in: bfloat16 eager and compiled, every attention kernel, int8, fp8, and less and less memory.

python bench/card.py                                       # Turbo's size at 1024², on a card; less than ten minutes
python bench/card.py --size tiny --device cpu --side 64 --caps 1,0.55     # a dry run

Every part is a process of its own with a limit, so that a table comes out whatever happens to one of them. The model
has random weights, see `bench/virtual_model.py`. Where memory is capped, the plan is what the planner chooses for a
card of that size, and torch gets what such a card leaves to it; the last columns are what the planner foretells: of the
forwards from the speed of the same matrices with all of them there, and from the bus as it was measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from bench.card_parts import FORWARDS, PARTS, Row, Setting, measure_capped  # noqa: E402
from bench.machine import describe_machine  # noqa: E402
from bench.random_model import SIZES  # noqa: E402
from bench.table import write  # noqa: E402
from bench.virtual_model import build_virtual_model  # noqa: E402

MARK = "bench:card"
HEAD = ("what", "plan", "load", "new prompt", "known prompt", "8 forwards", "peak", "foretold peak", "foretold seconds")
BEFORE_CAPS = ("bus", "bfloat16", "int8")
CAPS = "16,12,8,6,4"
CAPPED_LIMIT_S = 70.0


def run_part(name: str, options: argparse.Namespace, limit_s: float, *more: str) -> list[Row]:
    """Runs a part in a process of its own; what it has measured counts, whatever becomes of it."""
    command = [
        sys.executable, __file__, "--part", name, "--size", options.size, "--device", options.device, "--side",
        str(options.side), "--block", str(options.block), *more,
    ]  # fmt: skip
    fault = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            out, errors = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
            fault = f"ended after {limit_s:.0f} s"
    rows = [Row(**json.loads(line)) for line in out.splitlines() if line.startswith("{")]
    if not fault and process.returncode:
        fault = f"failed: {(errors.strip().splitlines() or ['without a word'])[-1]}"
    if fault:
        print(f"{name}: {fault}\n{errors}", file=sys.stderr)
        rows.append(Row(name, fault))
    for row in rows:
        print(row.line(), file=sys.stderr, flush=True)
    return rows


def measure_all(options: argparse.Namespace) -> list[Row]:
    """Runs all parts that there is time for, the most telling first; returns their rows."""
    started = time.perf_counter()
    rows: list[Row] = []

    def run(name: str, limit_s: float, *more: str) -> list[Row]:
        left_s = options.limit_s - (time.perf_counter() - started)
        found = run_part(name, options, min(limit_s, left_s), *more) if left_s > 1 else [Row(name, "no time was left")]
        rows.extend(found)
        return found

    known: dict[str, float] = {}
    wanted = [part for part in PARTS if part.name in options.parts]
    for part in (part for part in wanted if part.name in BEFORE_CAPS):
        found = [row.forwards_s for row in run(part.name, part.limit_s) if row.forwards_s]
        known |= dict.fromkeys([part.name], found[0]) if found else {}
    for gib in options.caps:
        run("capped", CAPPED_LIMIT_S, "--gib", str(gib), "--known", json.dumps(known))
    for part in (part for part in wanted if part.name not in BEFORE_CAPS):
        run(part.name, part.limit_s)
    return rows


def as_markdown(rows: Sequence[Row], options: argparse.Namespace) -> str:
    """Returns the table, with the name of the device above."""
    is_card = options.device != "cpu"
    where = torch.cuda.get_device_name() if is_card else describe_machine()
    about = (
        f"{where}, torch {torch.__version__}, {options.size} at {options.side}², {FORWARDS} forwards, random weights."
    )
    lines = [about, "", f"| {' | '.join(HEAD)} |", "|---" * len(HEAD) + "|"]
    return "\n".join([*lines, *(replace(row, fault="").line() for row in rows)])


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",") if number]


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="full")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--side", type=int, default=1024, help="pixels (default: %(default)s)")
    parser.add_argument(
        "--caps", type=_numbers, default=CAPS, help=f"GiB of the cards that are tried (default: {CAPS})"
    )
    parser.add_argument("--parts", default=",".join(part.name for part in PARTS), help="besides caps (default: all)")
    parser.add_argument("--limit-s", type=float, default=540.0, help="begin nothing after so long")
    parser.add_argument("--folder", type=Path, help="where a gigabyte may lie meanwhile")
    parser.add_argument("--write", type=Path, help="file with the marks")
    for name, kind in (("part", str), ("block", Path), ("gib", float), ("known", str)):
        parser.add_argument(f"--{name}", type=kind, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.parts = options.parts.split(",")
    if unknown := set(options.parts) - {"", *(part.name for part in PARTS)}:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(part.name for part in PARTS)}")
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.error("there is no card here: a dry run is --size tiny --device cpu --side 64 --caps 1,0.55")
    return options


def measure_part(options: argparse.Namespace) -> None:
    """What a process of its own does; every row is told when it is there."""
    total = 0 if options.device == "cpu" else torch.cuda.get_device_properties(0).total_memory
    setting = Setting(options.size, options.device, options.side, options.block, total)
    if options.part == "capped":
        rows = measure_capped(setting, options.gib, json.loads(options.known))
    else:
        part = next(part for part in PARTS if part.name == options.part)
        rows = part.measure(setting, part.stored)
    for row in rows:
        print(json.dumps(asdict(row)), flush=True)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(argv)
    warnings.simplefilter("ignore")  # of the libraries
    if options.part:
        measure_part(options)
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        options.block = Path(folder) / "values"
        build_virtual_model(SIZES[options.size](), options.block)
        rows = measure_all(options)
    table = as_markdown(rows, options)
    print(table)
    if options.write:
        write(table, options.write, MARK)


if __name__ == "__main__":
    main()
