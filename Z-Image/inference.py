"""Draws one picture, or several seeds of it.

python inference.py "一只红色的狐狸" --output fox.png
python inference.py "a lighthouse" --model ckpts/Z-Image-Turbo --size 1024x768 --seed 7 --count 4
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from loguru import logger
from zimage.errors import ConfigError
from zimage.tools.cli import (
    Job,
    add_image_arguments,
    add_model_arguments,
    default_size,
    draw,
    open_pipeline,
    parse_size,
    save_image,
    settings_from,
    sizes_of,
    warn_of_sizes,
)
from zimage.tools.console import run

EMBEDDED = Path(__file__).parent / "ckpts" / "zimage-nano"


def build_parser() -> argparse.ArgumentParser:
    """Returns the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompt", help="in any language that the model reads")
    parser.add_argument("--size", help="WIDTHxHEIGHT in pixels, or one number (default: what the model has learned)")
    parser.add_argument("--count", type=int, default=1, help="pictures, with as many seeds from --seed on (default: 1)")
    parser.add_argument("--output", type=Path, default=Path("picture.png"), help="a PNG (default: %(default)s)")
    add_image_arguments(parser)
    add_model_arguments(parser, EMBEDDED)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    arguments = build_parser().parse_args(argv)
    return run(lambda: draw_all(arguments))


def draw_all(arguments: argparse.Namespace) -> int:
    """Draws the pictures, one file for each."""
    if arguments.count < 1:
        raise ConfigError(f"count must be positive, got {arguments.count}")
    own_sizes = sizes_of(arguments.model)
    size = parse_size(arguments.size) if arguments.size else default_size(own_sizes)
    warn_of_sizes([size], own_sizes)
    settings = settings_from(arguments, *size)
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    jobs = [Job(arguments.prompt, replace(settings, seed=seed)) for seed in seeds]
    pipeline = open_pipeline(arguments)
    for index, job in enumerate(jobs):
        path = numbered(arguments.output, index, arguments.count)
        save_image(draw(pipeline, job), path, job)
        logger.info("{} (seed {})", path, job.settings.seed)
    return 0


def numbered(path: Path, index: int, count: int) -> Path:
    """Returns the file of one of several pictures."""
    return path if count == 1 else path.with_stem(f"{path.stem}-{index + 1}")


if __name__ == "__main__":
    sys.exit(main())
