"""Draws every prompt of a file in every size, and goes on where it stopped.

python batch_inference.py prompts.txt --size 1024 --size 1280x720 --output pictures

A line is a prompt; empty lines and those that begin with # are skipped. A line that begins with { is JSON with the key
"prompt" and, if wanted, "seed", "size" and "negative_prompt" of its own. A picture's name holds a fingerprint of its
prompt, its settings, the precision and the name of the model's folder, so that a second run draws what is missing and
what has changed, and nothing else.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loguru import logger
from zimage.config import InferenceSettings
from zimage.errors import ConfigError
from zimage.tools.cli import (
    Job,
    add_image_arguments,
    add_model_arguments,
    default_size,
    describe_model,
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
LINE_KEYS = frozenset({"prompt", "seed", "size", "negative_prompt"})


def build_parser() -> argparse.ArgumentParser:
    """Returns the options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("prompts", type=Path, help="a text file, UTF-8")
    parser.add_argument("--size", action="append", help="WIDTHxHEIGHT in pixels, repeatable (default: the model's)")
    parser.add_argument("--output", type=Path, default=Path("pictures"), help="a folder (default: %(default)s)")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be drawn")
    add_image_arguments(parser)
    add_model_arguments(parser, EMBEDDED)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    arguments = build_parser().parse_args(argv)
    return run(lambda: draw_missing(arguments))


def draw_missing(arguments: argparse.Namespace) -> int:
    """Draws the pictures that are not there yet."""
    own_sizes = sizes_of(arguments.model)
    sizes = [parse_size(size) for size in arguments.size or ()] or [default_size(own_sizes)]
    settings = settings_from(arguments, *sizes[0])
    jobs = read_jobs(arguments.prompts, settings, sizes)
    warn_of_sizes([(job.settings.width, job.settings.height) for _, job in jobs], own_sizes)
    model = describe_model(arguments)
    files = {arguments.output / file_name(number, job, model): job for number, job in jobs}
    missing = {path: job for path, job in files.items() if not path.exists()}
    logger.info("{} pictures, {} of them are there already", len(files), len(files) - len(missing))
    if arguments.dry_run or not missing:
        print(*missing, sep="\n", end="\n" if missing else "")
        return 0
    pipeline = open_pipeline(arguments)
    for index, (path, job) in enumerate(missing.items(), start=1):
        logger.info("{} of {}: {}", index, len(missing), path.name)
        save_image(draw(pipeline, job), path, job)
    return 0


def read_jobs(file: Path, settings: InferenceSettings, sizes: Sequence[tuple[int, int]]) -> list[tuple[int, Job]]:
    """Reads the prompts, each with the number of its line.

    Raises:
        ConfigError: the file is no text, a line is not understood, or there is none.
    """
    jobs: list[tuple[int, Job]] = []
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} must be text in UTF-8: {error}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                jobs += [(number, job) for job in jobs_of_line(line.strip(), settings, sizes)]
            except ConfigError as error:
                raise ConfigError(f"{file}, line {number}: {error}") from error
    if not jobs:
        raise ConfigError(f"{file} has no prompt")
    return jobs


def jobs_of_line(line: str, settings: InferenceSettings, sizes: Sequence[tuple[int, int]]) -> list[Job]:
    """Returns the line's prompt in every size."""
    own = parse_line(line)
    if "size" in own:
        sizes = [parse_size(own["size"])]
    changed = {key: own[key] for key in ("seed", "negative_prompt") if key in own}
    return [Job(own["prompt"], replace(settings, width=width, height=height, **changed)) for width, height in sizes]


def parse_line(line: str) -> dict[str, Any]:
    """Reads a line of text, or of JSON.

    Raises:
        ConfigError: it is JSON with unknown keys, of the wrong types, or without a prompt.
    """
    if not line.startswith("{"):
        return {"prompt": line}
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"not JSON: {error}") from error
    unknown = sorted(values.keys() - LINE_KEYS)
    if unknown:
        raise ConfigError(f"unknown keys {unknown}; known are {sorted(LINE_KEYS)}")
    wrong = [key for key, value in values.items() if type(value) is not (int if key == "seed" else str)]
    if wrong or not values.get("prompt"):
        raise ConfigError(f"prompt, size and negative_prompt are texts and seed a whole number: {line}")
    return dict(values)


def file_name(number: int, job: Job, model: str) -> str:
    """Returns a name that changes with everything that the picture depends on; of the model its name must do."""
    settings = job.settings
    fingerprint = hashlib.sha256(f"{model}\n{job.to_json()}".encode()).hexdigest()[:10]
    return f"{number:05d}-{settings.width}x{settings.height}-{fingerprint}.png"


if __name__ == "__main__":
    sys.exit(main())
