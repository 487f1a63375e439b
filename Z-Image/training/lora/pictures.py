"""Makes the pictures that the LoRA of zimage-nano is trained from: its training scenes through a filter.

python -m training.lora.pictures --output FOLDER [--style cyanotype]    (from the folder Z-Image)

The scenes are rendered from the material of `python -m training.nano.train material`, whose licence stands in the model
card. Captions are those that zimage-nano learned from; the style goes without a word of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from zimage.utils.helpers import to_pil

from training.lora.styles import STYLES, Style
from training.nano.autoencoder.training import load_pictures
from training.nano.dataset.captions.source import CaptionSource, Example
from training.nano.dataset.material import Item, prepare_material, read_items
from training.nano.dataset.scenes import NEUTRAL, palette_tensor, render_scene

REPOSITORY = Path(__file__).parents[3]
SIZES = ((256, 256), (384, 256), (256, 384))  # what zimage-nano offers; width, height
SQUARE = 0.7
NAMED = 0.5  # of the captions are a bare name


def write_pictures(material: Path, folder: Path, style: Style, number: int, seed: int) -> None:
    """Writes pictures with captions.

    Args:
        material: work folder of zimage-nano's training.
        folder: for `0000.png`, `0000.txt` and so on; made when missing.
        style: filter of all.
        number: of the pictures.
        seed: of the captions, and of the sizes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    things, palette, random = load_pictures(material), palette_tensor(), Random(seed)
    for index, example in enumerate(choose_scenes(read_items(material), number, seed)):
        width, height = SIZES[0] if random.random() < SQUARE else random.choice(SIZES[1:])
        scene = render_scene(things, example.scene, palette[NEUTRAL], height, width)
        to_pil(style(scene[None]))[0].save(folder / f"{index:04}.png")
        (folder / f"{index:04}.txt").write_text(example.caption, "utf-8")


def choose_scenes(items: Sequence[Item], number: int, seed: int) -> list[Example]:
    """Draws captions with their scenes: bare names in both languages, and what people write."""
    source, random = CaptionSource(items, seed), Random(seed)
    order = [random.sample(range(len(items)), len(items)) for _ in range(-(-number // len(items)))]
    every = [item for some in order for item in some][:number]
    return [
        source.draw_label(item, random.random() < 0.5) if random.random() < NAMED else source.draw() for item in every
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0] if __doc__ else None,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--output", type=Path, required=True, help="folder of pictures and captions")
    parser.add_argument("--style", choices=STYLES, default="cyanotype")
    parser.add_argument("--number", type=int, default=800)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--work", type=Path, default=REPOSITORY / "data" / "nano", help="material; fetched when missing"
    )
    parser.add_argument("--cache", type=Path, default=REPOSITORY / "data" / "nano-material", help="npm packages")
    given = parser.parse_args(argv)
    torch.set_num_threads(1)
    prepare_material(given.cache, given.work)
    write_pictures(given.work, given.output, STYLES[given.style], given.number, given.seed)


if __name__ == "__main__":
    main()
