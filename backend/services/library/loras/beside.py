"""Files beside a LoRA, read as they are: never through a link, never more than they may have."""

from __future__ import annotations

import base64
import io
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

from backend.services.library.loras.folders import PICTURES, LoraFile, Sidecar
from backend.services.library.loras.words import MAX_JSON_BYTES, MAX_TEXT_CHARACTERS, Said, read_object

MAX_PICTURE_BYTES = 32 * 2**20
MAX_PICTURE_PIXELS = 64_000_000
MAX_THUMBNAIL_CHARACTERS = 8 * 2**20
PREVIEW_SIDE_PX = 512
_FORMATS = ("PNG", "JPEG", "WEBP")
_FAULTS = (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning)


def read_json(file: LoraFile, ending: str) -> Said:
    """Returns the JSON object in a file beside a LoRA; an empty one where there is none."""
    content = _read(file, [one for one in file.sidecars if one.ending == ending], MAX_JSON_BYTES)
    return read_object(content) if content else {}


def read_note(file: LoraFile) -> str:
    """Returns the text beside a LoRA."""
    notes = [one for one in file.sidecars if one.ending == ".txt"]
    return (_read(file, notes, 16 * MAX_TEXT_CHARACTERS) or b"").decode("utf-8-sig", "replace")


def preview_of(file: LoraFile) -> Sidecar | None:
    """Returns the picture beside a LoRA that counts."""
    return next((one for one in file.sidecars if one.ending.endswith(PICTURES)), None)


def read_preview(file: LoraFile) -> bytes | None:
    """Returns the picture beside a LoRA, as a small WebP; None where there is none that can be read."""
    pictures = [one for one in file.sidecars if one.ending.endswith(PICTURES)]
    content = _read(file, pictures[:1], MAX_PICTURE_BYTES)
    return shrink(content) if content else None


def decode_thumbnail(text: str) -> bytes | None:
    """Returns the picture in a data URI, as a small WebP; None for anything else."""
    head, _, data = text[:MAX_THUMBNAIL_CHARACTERS].partition(",")
    if not (head.startswith("data:image/") and head.endswith(";base64")):
        return None
    try:
        return shrink(base64.b64decode(data, validate=True))
    except ValueError:
        return None


def shrink(content: bytes) -> bytes | None:
    """Draws a picture anew, small and without anything but its pixels; None for what is none."""
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                return None
            image.draft("RGB", (PREVIEW_SIDE_PX, PREVIEW_SIDE_PX))
            small = image.convert("RGB")
        small.thumbnail((PREVIEW_SIDE_PX, PREVIEW_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=80, method=2)
    except _FAULTS:
        return None
    return buffer.getvalue()


def _read(file: LoraFile, sidecars: Sequence[Sidecar], limit: int) -> bytes | None:
    """Returns the content of the first file; None where there is none, or it is larger, or no plain file."""
    if not sidecars:
        return None
    path = Path(file.path).with_name(sidecars[0].name)
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        with open(os.open(path, flags), "rb") as opened:  # noqa: PTH123 — of a descriptor
            status = os.fstat(opened.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
                return None
            content = opened.read(limit + 1)
    except (OSError, ValueError):
        return None
    return content if len(content) <= limit else None
