"""Writes the trained parts as the published folder, with attribution and catalogue facts."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from random import Random

import torch
from PIL import Image

from training.nano.dataset.captions.source import CaptionSource
from training.nano.dataset.material import PICTURES, WORDS, Item, NpmPackage, read_items
from training.nano.layout import save_folder
from training.nano.phrasings import PHRASINGS
from training.nano.sampling import Parts, draw
from training.nano.transformer.training import load_parts

SHEET_SIDE = 8
SHEET_SEED = 64
THUMBNAIL_PX = 160
FLUENT_LICENSE = """MIT License

Copyright (c) Microsoft Corporation.

{permission}"""
EMOJIBASE_LICENSE = """MIT License

Copyright (c) 2017-2019, Miles Johnson

{permission}"""
PERMISSION = """Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""


def export(work: Path, folder: Path, cache: Path) -> None:
    """Writes the model folder from the checkpoints in float16.

    Args:
        work: where the checkpoints are.
        folder: the published folder to write.
        cache: where the material was unpacked, for its licence texts.
    """
    parts = load_parts(work)
    folder.mkdir(parents=True, exist_ok=True)
    contact_sheet(parts, read_items(work), folder / "contact-sheet.webp")
    phrasings_sheet(parts, folder / "phrasings-sheet.webp")
    vae = parts.vae.to(memory_format=torch.contiguous_format)
    vae.register_to_config(scaling_factor=parts.scale, shift_factor=parts.shift)
    save_folder(folder, vae, parts.text_encoder, parts.tokenizer, parts.transformer)
    write_licence(PICTURES, cache, FLUENT_LICENSE, folder / "LICENSE-fluent-emoji")
    write_licence(WORDS, cache, EMOJIBASE_LICENSE, folder / "LICENSE-emojibase")


def contact_sheet(parts: Parts, items: Sequence[Item], path: Path) -> None:
    """Writes 64 uncurated samples: things drawn at random, every second one asked for in Chinese."""
    source = CaptionSource(items, 0)
    chosen = Random(SHEET_SEED).sample(range(len(items)), SHEET_SIDE**2)
    write_sheet(parts, [source.draw_label(item, index % 2 == 1).caption for index, item in enumerate(chosen)], path)


def phrasings_sheet(parts: Parts, path: Path) -> None:
    """Writes 64 uncurated samples of prompts as people type them, every second one in Chinese."""
    asked = json.loads(PHRASINGS.read_text("utf-8"))
    languages = ("english", "chinese")
    step = len(asked["english"]) // (SHEET_SIDE**2 // 2)
    kept = [asked[language][step * index]["prompt"] for index in range(SHEET_SIDE**2 // 2) for language in languages]
    write_sheet(parts, kept, path)


def write_sheet(parts: Parts, captions: Sequence[str], path: Path) -> None:
    """Draws the captions with seeds 0, 1, 2, … into one picture, eight a row."""
    sheet = Image.new("RGB", (SHEET_SIDE * THUMBNAIL_PX,) * 2)
    for start in range(0, len(captions), SHEET_SIDE):
        seeds = range(start, start + SHEET_SIDE)
        for column, picture in enumerate(draw(parts, captions[start : start + SHEET_SIDE], seeds, 256, 256)):
            array = (picture * 255).round().byte().permute(1, 2, 0).numpy()
            thumbnail = Image.fromarray(array).resize((THUMBNAIL_PX,) * 2, Image.Resampling.LANCZOS)
            sheet.paste(thumbnail, (column * THUMBNAIL_PX, start // SHEET_SIDE * THUMBNAIL_PX))
    sheet.save(path, quality=82, method=6)


def write_licence(package: NpmPackage, cache: Path, otherwise: str, target: Path) -> None:
    """Copies the package's own licence text, or writes the MIT text that its metadata names."""
    own = cache / package.stem / "package" / "LICENSE"
    if own.exists():
        shutil.copyfile(own, target)
    else:
        target.write_text(otherwise.format(permission=PERMISSION), "utf-8")
