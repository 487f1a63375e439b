"""Lists the parts, tensors, dtypes and sizes of a checkpoint, and its member of the family.

python -m zimage.tools.inspect PATH [--tensors] [--json]

PATH is a model's folder, the folder of one part, or a safetensors file. Only headers are read.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from zimage.config import SchedulerConfig
from zimage.errors import WeightsError
from zimage.tools.console import GB, run
from zimage.weights.checkpoint import open_checkpoint
from zimage.weights.identify import Part, identify_part, infer_transformer_config, name_member
from zimage.weights.names.foreign import name_foreign
from zimage.weights.names.single_file import is_single_file, to_published
from zimage.weights.quantized import AnyTensor

MODEL_PARTS = ("transformer", "text_encoder", "vae")
COLUMNS = ("part", "tensors", "values", "GB", "precision", "files", "layout")


@dataclass(frozen=True)
class PartReport:
    """One part of a pipeline.

    Attributes:
        part: kind of the part.
        values: number of values by dtype, as named in safetensors.
        layout: key layout, `published` or `single file`.
        config: configuration of a transformer, inferred from its shapes.
    """

    part: str
    n_tensors: int
    n_files: int
    size_bytes: int
    values: dict[str, int]
    layout: str
    config: dict[str, object] | None = None

    @property
    def n_values(self) -> int:
        """Number of values of all dtypes."""
        return sum(self.values.values())


@dataclass(frozen=True)
class Report:
    """Contents of a checkpoint.

    Attributes:
        member: member of the family, or what it is instead; None if neither is known.
    """

    path: str
    member: str | None
    parts: tuple[PartReport, ...]


def open_parts(path: Path) -> dict[str, dict[str, AnyTensor]]:
    """Returns the tensors of every part at a path, by folder or file name.

    Raises:
        WeightsError: files are missing or damaged; the message names them.
    """
    if not (path / "model_index.json").is_file():
        return {path.name: open_checkpoint(path)}
    missing = [part for part in MODEL_PARTS if not (path / part).is_dir()]
    if missing:
        raise WeightsError(f"{path} is no whole model, these parts are missing: {', '.join(missing)}")
    return {part: open_checkpoint(path / part) for part in MODEL_PARTS}


def inspect(path: Path) -> Report:
    """Reads the headers at a path.

    Raises:
        WeightsError: files are missing or damaged.
        ConfigError: the scheduler configuration is invalid.
    """
    opened = open_parts(path)
    shift = _shift(path)
    members = [
        name_member(infer_transformer_config(tensors), shift)
        for tensors in opened.values()
        if identify_part(tensors) is Part.TRANSFORMER
    ]
    foreign = (name_foreign(tensors) for tensors in opened.values())
    member = next(iter(members), None) or next((f"no Z-Image model, but {name}" for name in foreign if name), None)
    return Report(str(path), member, tuple(map(_report, opened.values())))


def as_text(report: Report) -> str:
    """Formats a report as a table."""
    rows = [COLUMNS, *map(_row, report.parts)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([f"{report.path}: {report.member or 'no transformer of the family'}", *lines])


def tensor_lines(tensors: Mapping[str, AnyTensor]) -> list[str]:
    """Returns one line per tensor: name, dtype and shape."""
    return [f"{name}  {stored.format}  {list(stored.shape)}" for name, stored in tensors.items()]


def _report(tensors: Mapping[str, AnyTensor]) -> PartReport:
    part = identify_part(tensors)
    values: Counter[str] = Counter()
    for stored in tensors.values():
        values[stored.format] += stored.numel
    return PartReport(
        part=part.value,
        n_tensors=len(tensors),
        n_files=len({stored.path for stored in tensors.values()}),
        size_bytes=sum(stored.size_bytes for stored in tensors.values()),
        values=dict(values),
        layout="single file" if is_single_file(tensors) else "published",
        config=infer_transformer_config(to_published(tensors)).to_dict() if part is Part.TRANSFORMER else None,
    )


def _row(part: PartReport) -> tuple[str, ...]:
    precisions = ", ".join(sorted(part.values))
    sizes = (f"{part.n_values:,}", f"{part.size_bytes / GB:.3f}")
    return part.part, str(part.n_tensors), *sizes, precisions, str(part.n_files), part.layout


def _shift(path: Path) -> float | None:
    """Returns the shift of the scheduler beside a model or a part; None for a lone file."""
    for root in (path, path.parent):
        config = root / "scheduler" / "scheduler_config.json"
        if (root / "model_index.json").is_file() and config.is_file():
            return SchedulerConfig.from_file(config).shift
    return None


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path, help="a model's folder, one part's folder, or a safetensors or GGUF file")
    parser.add_argument("--tensors", action="store_true", help="also a line a tensor: name, precision, shape")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser.parse_args(argv)


def _run(arguments: argparse.Namespace) -> int:
    report = inspect(arguments.path)
    lines = {name: tensor_lines(tensors) for name, tensors in open_parts(arguments.path).items()}
    if arguments.json:
        tensors = {"tensors": lines} if arguments.tensors else {}
        print(json.dumps(asdict(report) | tensors, ensure_ascii=False, indent=2))
        return 0
    print(as_text(report))
    if arguments.tensors:
        for name, part_lines in lines.items():
            print(f"\n{name}", *part_lines, sep="\n")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
