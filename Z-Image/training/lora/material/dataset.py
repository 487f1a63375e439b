"""A folder of pictures with captions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from zimage.conditions.images import to_rgb
from zimage.errors import ConditionError

from training.lora.errors import TrainingError

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
SHOWN = 5  # names in a message


@dataclass(frozen=True)
class Example:
    """A picture and what is said of it."""

    path: Path
    caption: str


@dataclass(frozen=True)
class Wording:
    """What captions are made of, besides the text files.

    Attributes:
        caption: for pictures without a text file; empty for none.
        trigger: put before every caption that does not have it; empty for none.
    """

    caption: str = ""
    trigger: str = ""

    def of(self, path: Path) -> str:
        """Returns the caption of a picture; empty if nothing is said of it.

        Raises:
            TrainingError: its text file is no UTF-8.
        """
        file = path.with_suffix(".txt")
        try:
            own = " ".join(file.read_text("utf-8-sig").split()) if file.is_file() else ""
        except (OSError, UnicodeDecodeError) as error:
            raise TrainingError(f"{file.name} cannot be read as text in UTF-8: {error}") from error
        caption = own or self.caption
        if not self.trigger or self.trigger in caption:
            return caption
        return f"{self.trigger}, {caption}" if caption else self.trigger


def find_examples(folder: Path, wording: Wording) -> list[Example]:
    """Finds the pictures of a folder, by name, with their captions.

    Raises:
        TrainingError: there is no folder, picture or caption; the message names what is missing.
    """
    if not folder.is_dir():
        raise TrainingError(f"--data {folder} is no folder")
    pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    if not pictures:
        raise TrainingError(f"--data {folder} has no pictures: {', '.join(SUFFIXES)} are read")
    examples = [Example(path, wording.of(path)) for path in pictures]
    silent = [example.path.name for example in examples if not example.caption]
    if silent:
        raise TrainingError(
            f"{len(silent)} of {len(examples)} pictures have no caption: {some_of(silent)}. "
            "Write one into a text file of the same name, or give --caption or --trigger for all"
        )
    return examples


def read_picture(path: Path) -> Image.Image:
    """Reads a picture upright, flattened and in sRGB.

    Raises:
        TrainingError: it is damaged, or none; the message names it.
    """
    try:
        with Image.open(path) as image:
            return to_rgb(image)
    except (OSError, ConditionError, Image.DecompressionBombError, SyntaxError, ValueError) as error:
        raise TrainingError(f"{path.name} cannot be read as a picture: {error}") from error


def some_of(names: Sequence[str]) -> str:
    """Lists a few names."""
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
