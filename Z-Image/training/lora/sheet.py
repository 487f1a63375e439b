"""Draws the same prompts with a LoRA at several strengths, uncurated, and measures their colours.

PYTHONPATH=src python -m training.lora.sheet --model FOLDER --lora FILE --output sheet.webp    (from the folder Z-Image)
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from zimage.adapters.lora import ActiveLora
from zimage.pipeline import ZImagePipeline

PROMPTS = (
    "fox", "a red apple", "cat", "一只狐狸", "car", "tree", "castle", "robot",
    "pizza", "a penguin on a pink background", "三朵玫瑰", "a cinematic portrait of a dog, 4k",
)  # fmt: skip
STRENGTHS = (0.0, 0.5, 1.0)
SIDE_PX = 256
THUMBNAIL_PX = 112
QUALITY = 80


@dataclass(frozen=True)
class Colours:
    """Means over all pixels of images, in 0…255."""

    red: float
    green: float
    blue: float

    @classmethod
    def of(cls, images: Sequence[Image.Image]) -> Colours:
        """Measures images."""
        means = np.stack([np.asarray(image.convert("RGB"), np.float64).mean((0, 1)) for image in images]).mean(0)
        return cls(*means.tolist())

    @property
    def blueness(self) -> float:
        """Blue less green: about 0 for what is grey or teal, and 255 for pure blue."""
        return self.blue - self.green


def draw_rows(
    pipeline: ZImagePipeline, lora: Path, prompts: Sequence[str], strengths: Sequence[float], side_px: int
) -> list[list[Image.Image]]:
    """Draws a row of images for each strength, with seeds from 0 on in each."""
    loaded = pipeline.load_lora(lora)
    rows = []
    for strength in strengths:
        pipeline.set_loras([ActiveLora(loaded, strength)])
        generators = [torch.Generator().manual_seed(seed) for seed in range(len(prompts))]
        drawn = pipeline(list(prompts), height=side_px, width=side_px, generator=generators).images
        rows.append([image for image in drawn if isinstance(image, Image.Image)])
    return rows


def join(rows: Sequence[Sequence[Image.Image]], side_px: int) -> Image.Image:
    """Joins rows of images, each scaled to a square."""
    sheet = Image.new("RGB", (side_px * max(map(len, rows)), side_px * len(rows)))
    for down, row in enumerate(rows):
        for across, image in enumerate(row):
            small = image.resize((side_px, side_px), Image.Resampling.LANCZOS)
            sheet.paste(small, (across * side_px, down * side_px))
    return sheet


def as_markdown(strengths: Sequence[float], rows: Sequence[Sequence[Image.Image]]) -> str:
    """Returns the colours of each row as a table."""
    lines = ["| strength | red | green | blue | blue − green, of all | of each image |", "|---|---|---|---|---|---|"]
    for strength, row in zip(strengths, rows, strict=True):
        all_of, each = Colours.of(row), [Colours.of([image]).blueness for image in row]
        means = f"{all_of.red:.0f} | {all_of.green:.0f} | {all_of.blue:.0f} | {all_of.blueness:.0f}"
        lines.append(f"| {strength:g} | {means} | {min(each):.0f} to {max(each):.0f} |")
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--model", type=Path, required=True, help="folder in the published layout")
    parser.add_argument("--lora", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True, help="the sheet, a webp")
    parser.add_argument("--prompts", nargs="+", default=PROMPTS)
    parser.add_argument("--strengths", nargs="+", type=float, default=STRENGTHS)
    parser.add_argument("--side", type=int, default=SIDE_PX, help="of the images in pixels")
    parser.add_argument("--tile", type=int, default=THUMBNAIL_PX, help="side of an image in the sheet, in pixels")
    given = parser.parse_args(argv)
    pipeline = ZImagePipeline.from_local_dir(given.model)
    rows = draw_rows(pipeline, given.lora, given.prompts, given.strengths, given.side)
    join(rows, given.tile).save(given.output, quality=QUALITY, method=6)
    sys.stdout.write(f"{as_markdown(given.strengths, rows)}\n")


if __name__ == "__main__":
    main()
