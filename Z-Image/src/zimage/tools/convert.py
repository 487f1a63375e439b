"""Converts weights: to a smaller precision, and between the published folders and ComfyUI's single files.

python -m zimage.tools.convert SOURCE TARGET [--dtype bfloat16] [--max-shard-gb 10] [--prefix PREFIX]

SOURCE is a model's folder, the folder of one part, or a single file of a transformer or VAE. A TARGET that ends in
.safetensors becomes a single file, any other a folder. An interrupted conversion goes on when it is started again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from zimage.errors import WeightsError
from zimage.tools.console import GB, Progress, run
from zimage.weights.conversion import (
    MODEL_INDEX,
    Conversion,
    execute,
    execute_single_file,
    plan_model,
    plan_part,
    plan_single_file,
)
from zimage.weights.selection import SUFFIX

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32, "keep": None}


def convert(
    source: Path, target: Path, dtype: torch.dtype | None, max_shard_bytes: int, prefix: str = ""
) -> Conversion:
    """Converts; reports progress on standard error.

    Args:
        source: a model's folder, the folder of one part, or a transformer's or VAE's single file.
        target: a folder, or a file that ends in `.safetensors`.
        dtype: dtype of floating-point values; None keeps them.
        max_shard_bytes: limit of a weight file in a folder.
        prefix: prefix of tensor names in a single file.

    Returns:
        The executed conversion.

    Raises:
        WeightsError: the source is damaged or unknown, or the target exists or is too small.
    """
    if source.resolve() == target.resolve() or source.resolve() in target.resolve().parents:
        raise WeightsError(f"the target {target} must lie outside the source {source}")
    if target.suffix == SUFFIX:
        conversion = plan_single_file(source, target.name, dtype, prefix)
        execute_single_file(conversion, target, on_bytes=Progress(conversion.size_bytes))
        return conversion
    is_model = (source / MODEL_INDEX).is_file()
    conversion = (plan_model if is_model else plan_part)(source, dtype, max_shard_bytes)
    execute(conversion, target, on_bytes=Progress(conversion.size_bytes))
    return conversion


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="a model's folder, one part's folder, or a single file")
    parser.add_argument("target", type=Path, help="a new folder, or a file that ends in .safetensors")
    parser.add_argument(
        "--dtype",
        choices=DTYPES,
        default="bfloat16",
        help="of the values; float16 is for cards without bfloat16",
    )
    parser.add_argument("--max-shard-gb", type=_positive, default=10.0, help="of a folder's weight files")
    parser.add_argument(
        "--prefix", default="", help="of the names in a single file, for example model.diffusion_model."
    )
    return parser.parse_args(argv)


def _positive(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be above 0, got {text}")
    return value


def _run(arguments: argparse.Namespace) -> int:
    max_shard_bytes = round(arguments.max_shard_gb * GB)
    source, target = arguments.source, arguments.target
    written = convert(source, target, DTYPES[arguments.dtype], max_shard_bytes, arguments.prefix)
    tensors = sum(map(len, written.tensors.values()))
    print(f"{target}: {tensors} tensors, {written.size_bytes / GB:.2f} GB in {len(written.tensors)} files")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
