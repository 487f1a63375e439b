"""Writes a transformer or text encoder as a quantised single file, in ComfyUI's layout.

python -m zimage.tools.quantize SOURCE TARGET.safetensors [--format int8] [--dtype bfloat16] [--prefix P] [--overwrite]

SOURCE is a model's folder, whose transformer is taken, the folder of one part, or a file in any format that is read.
The matrices of attentions and feed-forwards are quantised by rows; those that are stored so stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from zimage.errors import WeightsError
from zimage.quant.packing import FORMATS, Format
from zimage.tools.console import GB, Progress, run
from zimage.tools.convert import DTYPES
from zimage.weights.conversion import write_single_file
from zimage.weights.files.safetensors_writer import Writable, bytes_of
from zimage.weights.quantizing import plan_quantized
from zimage.weights.selection import SUFFIX


def quantize(
    source: Path, target: Path, format: Format, dtype: str = "bfloat16", prefix: str = "", *, overwrite: bool = False
) -> list[Writable]:
    """Writes the file; reports progress on standard error.

    Args:
        source: a folder of a model or part, or a file.
        target: file that ends in `.safetensors`.
        format: of the matrices.
        dtype: of all other values, one of `DTYPES`.
        prefix: prefix of every name.
        overwrite: whether an existing target is replaced.

    Returns:
        The tensors that were written.

    Raises:
        WeightsError: the source is damaged or of another kind, or the target exists or is too small.
    """
    if target.suffix != SUFFIX:
        raise WeightsError(f"the target must end in {SUFFIX}, got {target}")
    if source.resolve() == target.resolve() or source.resolve() in target.resolve().parents:
        raise WeightsError(f"the target {target} must lie outside the source {source}")
    planned = plan_quantized(source, format, DTYPES[dtype], prefix)
    write_single_file(target, planned, overwrite=overwrite, on_bytes=Progress(sum(map(bytes_of, planned))))
    return planned


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("source", type=Path, help="a model's folder, one part's folder, or a safetensors or GGUF file")
    parser.add_argument("target", type=Path, help="a file that ends in .safetensors")
    parser.add_argument("--format", choices=FORMATS, default="int8", help="of the matrices")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16", help="of all other values")
    parser.add_argument("--prefix", default="", help="of the names, for example model.diffusion_model.")
    parser.add_argument("--overwrite", action="store_true", help="replace the target if it exists")
    return parser.parse_args(argv)


def _run(arguments: argparse.Namespace) -> int:
    written = quantize(
        arguments.source,
        arguments.target,
        FORMATS[arguments.format],
        arguments.dtype,
        arguments.prefix,
        overwrite=arguments.overwrite,
    )
    print(f"{arguments.target}: {len(written)} tensors, {sum(map(bytes_of, written)) / GB:.2f} GB")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    arguments = parse(argv)
    return run(lambda: _run(arguments))


if __name__ == "__main__":
    sys.exit(main())
