"""Images that are drawn from: sent here or taken from the history, and kept by the digest of their pixels.

An input is a PNG of 8 bits a channel, upright and without any metadata: where a photo was taken is not kept. Nobody
deletes one by hand; what no task and no image refers to goes after a week.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageCms, ImageOps

from backend.services.errors import DiskFull, UnknownInput, UnreadableImage
from backend.services.images.records import hash_pixels
from backend.utils.atomic_file import remove_temporary_files, write_atomically
from backend.utils.png import write_png

logger = logging.getLogger(__name__)

FORMATS = ("PNG", "JPEG", "WEBP", "AVIF")
MAX_PIXELS = 50_000_000
MAX_SIDE_PX = 8_192
_ALLOWED = f"{MAX_PIXELS // 10**6} megapixels and {MAX_SIDE_PX:,} pixels a side are allowed. Make it smaller."
_MANY_MEGAPIXELS = (Image.MAX_IMAGE_PIXELS or MAX_PIXELS) // 10**6
_HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
GRACE_S = 7 * 24 * 3600.0
"""How long an input stays that nothing refers to: somebody may be painting a mask on it."""

_ID = re.compile(r"[0-9a-f]{64}")
_SUFFIX = ".png"


@dataclass(frozen=True)
class Input:
    """A kept input."""

    id: str
    path: Path
    width: int
    height: int
    has_alpha: bool
    size_bytes: int


class InputStore:
    """Inputs in a folder. Thread-safe."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time) -> None:
        self._folder = folder
        self._now = now
        self._one_at_a_time = threading.Lock()
        """Held while an image is decoded, which takes hundreds of megabytes."""

    def open(self) -> None:
        """Makes the folder, and removes what a crash left behind."""
        self._folder.mkdir(parents=True, exist_ok=True)
        remove_temporary_files(self._folder)

    def add(self, file: BinaryIO, change: Callable[[Image.Image], Image.Image] | None = None) -> tuple[Input, bool]:
        """Keeps an image file; returns it, and whether it is new: the same pixels again are the same input.

        Args:
            file: PNG, JPEG, WebP or AVIF.
            change: What to keep of it instead of all; it takes and returns the mode L, RGB or RGBA.

        Raises:
            UnreadableImage: It is none, is too large, animated or damaged.
            DiskFull: There is no room; nothing is left behind.
        """
        with self._one_at_a_time:
            image = decode(file)
            return self._keep(image if change is None else change(image))

    def add_image(self, image: Image.Image) -> tuple[Input, bool]:
        """Keeps pixels of the mode L, RGB or RGBA; see `add`."""
        with self._one_at_a_time:
            return self._keep(image)

    def _keep(self, image: Image.Image) -> tuple[Input, bool]:
        input_id = digest_of(image)
        path = self._path(input_id)
        is_new = not path.exists()
        try:
            if is_new:
                write_atomically(path, lambda target: write_png(image, target, {}))
        except OSError as error:
            raise DiskFull("The disk does not take the image, so it was not kept.") from error
        return self.get(input_id), is_new

    def add_file(self, path: Path) -> tuple[Input, bool]:
        """Keeps an image of the history; see `add`."""
        with path.open("rb") as file:
            return self.add(file)

    def get(self, input_id: str) -> Input:
        """Returns an input, which then stays for another week.

        Raises:
            UnknownInput: There is none with this id.
        """
        path = self._path(input_id)
        try:
            self._touch(path)
            with Image.open(path, formats=["PNG"]) as image:
                has_alpha = image.mode == "RGBA"
                return Input(input_id, path, image.width, image.height, has_alpha, path.stat().st_size)
        except (OSError, SyntaxError) as error:
            raise UnknownInput from error

    def read(self, input_id: str) -> Image.Image:
        """Returns the pixels of an input: L, RGB or RGBA.

        Raises:
            UnknownInput: There is none with this id, or its file is damaged.
        """
        path = self._path(input_id)
        try:
            with Image.open(path, formats=["PNG"]) as image:
                image.load()
                return image
        except (OSError, SyntaxError) as error:
            raise UnknownInput from error

    def paths(self, input_ids: Iterable[str]) -> list[Path]:
        """Returns the files of those that are here."""
        return [path for input_id in input_ids if (path := self._path(input_id)).is_file()]

    def collect(self, used: Container[str]) -> int:
        """Removes what nothing refers to, once its week is over; returns how many."""
        limit = self._now() - GRACE_S
        removed = 0
        for path in self._folder.glob(f"*{_SUFFIX}"):
            if path.stem not in used and path.stat().st_mtime < limit:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _path(self, input_id: str) -> Path:
        if not _ID.fullmatch(input_id):
            raise UnknownInput
        return self._folder / f"{input_id}{_SUFFIX}"

    def _touch(self, path: Path) -> None:
        os.utime(path, (self._now(), self._now()))


def decode(file: BinaryIO) -> Image.Image:
    """Decodes an image file: upright, 8 bits a channel, in the mode L, RGB or RGBA.

    Raises:
        UnreadableImage: It is none, is too large, animated or damaged.
    """
    try:
        file.seek(0)
        with Image.open(file, formats=FORMATS) as image:
            _refuse_what_is_too_much(image)
            plain = _plain(_in_srgb(ImageOps.exif_transpose(image)))
        plain.info = {}  # a PNG would carry on what is in here
        return plain
    except (UnreadableImage, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own limit is higher
        raise UnreadableImage(f"The image has more than {_MANY_MEGAPIXELS} megapixels; {_ALLOWED}") from error
    except Exception as error:  # decoders raise what they like over a damaged file
        raise UnreadableImage(_what_else(file)) from error


def _what_else(file: BinaryIO) -> str:
    """Says what a file is that is not read."""
    with contextlib.suppress(Exception):
        file.seek(0)
        head = file.read(12)
        if head[4:8] == b"ftyp" and head[8:] in _HEIC_BRANDS:
            return "This is HEIC, as phones save photos, which is not read here: save it as JPEG or PNG."
    return "This is no PNG, JPEG, WebP or AVIF, or it is damaged."


def _refuse_what_is_too_much(image: Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS or max(image.size) > MAX_SIDE_PX:
        raise UnreadableImage(f"The image has {image.width}×{image.height} pixels; {_ALLOWED}")
    n_frames = getattr(image, "n_frames", 1)
    if n_frames > 1 and image.format != "MPO":  # phones put a second view behind the first
        raise UnreadableImage(f"The image is animated, with {n_frames} frames; send one of them.")


def _in_srgb(image: Image.Image) -> Image.Image:
    """Moves colours of another space, as phones have it, to what models and screens mean by RGB."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK"):
        return image
    with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a damaged profile: the numbers are taken as they are
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if image.mode == "CMYK" or "srgb" not in ImageCms.getProfileDescription(own).lower():
            return ImageCms.profileToProfile(image, own, ImageCms.createProfile("sRGB"), outputMode="RGB") or image
    return image


def _plain(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits: Pillow alone would cut off what is above 8
        wide = np.asarray(image).astype(np.float64)
        return Image.fromarray((wide / 257).round().clip(0, 255).astype(np.uint8), "L")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        is_opaque = rgba.getchannel("A").getextrema() == (255, 255)
        return rgba.convert("RGB") if is_opaque else rgba
    return image if image.mode in ("L", "RGB") else image.convert("L" if image.mode == "1" else "RGB")


def digest_of(image: Image.Image) -> str:
    """Returns the id of an input: that of an image without alpha is its pixel hash in the history."""
    if image.mode != "RGBA":
        return hash_pixels(image)
    digest = hashlib.sha256(f"{image.width}x{image.height}/RGBA/".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()
