"""Parameters inside our images: A1111's text for other programs, JSON for rebuilding the history."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend import __version__
from backend.models.schemas import ImageRecord
from backend.services.generation.lora_tags import write_tag
from backend.utils.png import read_png_texts

OWN_KEYWORD = "zimage"
COMMON_KEYWORD = "parameters"
_MARKS = re.compile(r"[:,<>]")
_NOT_IN_THE_FILE = {"size_bytes", "favourite", "tags", "deleted_at"}
"""Fields known only after the image was written, or changed later."""


def embed(record: ImageRecord) -> dict[str, str]:
    """Returns the text chunks of an image. The JSON is ASCII, for every reader."""
    own = record.model_dump(mode="json", exclude=_NOT_IN_THE_FILE)
    return {COMMON_KEYWORD: describe(record), OWN_KEYWORD: json.dumps(own, ensure_ascii=True)}


def describe(record: ImageRecord) -> str:
    """Returns the parameters as A1111's text, which most programs read (CFG scale = guidance + 1)."""
    values = {
        "Steps": record.num_inference_steps,
        "Sampler": "Euler",
        "Schedule type": "Simple",
        "CFG scale": f"{record.guidance_scale + 1:g}",
        **({} if record.shift is None else {"Shift": f"{record.shift:g}"}),
        "Seed": record.seed,
        **({} if record.init_image is None else {"Denoising strength": f"{record.drawn_strength:g}"}),
        "Size": f"{record.width}x{record.height}",
        "Model": _quoted(record.model),
        **({"Lora hashes": _quoted(hashes)} if (hashes := _hashes(record)) else {}),
        "Version": f"zimage {__version__}",
    }
    negative = f"Negative prompt: {record.negative_prompt}\n" if record.negative_prompt else ""
    tags = "".join(f" {write_tag(_plain(use.name), use.strength)}" for use in record.loras or ())
    return f"{record.prompt}{tags}\n{negative}" + ", ".join(f"{key}: {value}" for key, value in values.items())


def _hashes(record: ImageRecord) -> str:
    """Returns the digests of the LoRAs as A1111 writes them: names without colons and commas."""
    return ", ".join(f"{_plain(use.name)}: {use.short_hash}" for use in record.loras or () if use.short_hash)


def _plain(name: str) -> str:
    """Returns the name of a LoRA that A1111 can find: without folders, and what has a meaning there."""
    return _MARKS.sub("", name.rpartition("/")[2])


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(mark in value for mark in ",:\n") else value


def parse_own(texts: Mapping[str, str]) -> ImageRecord | None:
    """Returns the record in an image of this program, without the file's size; None without one."""
    try:
        return ImageRecord.model_validate({**_told(texts), "size_bytes": 0})
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError):
        return None


def _told(texts: Mapping[str, str]) -> dict[str, Any]:
    """Reads our JSON, without what it cannot know."""
    own = json.loads(texts[OWN_KEYWORD])
    return {name: value for name, value in own.items() if name not in _NOT_IN_THE_FILE}


def extract(path: Path) -> ImageRecord:
    """Reads an image's record from its JSON.

    Raises:
        OSError: The file cannot be read or is no whole PNG.
        ValueError: It has no record of ours.
    """
    with path.open("rb") as file:
        texts = read_png_texts(file)
    if OWN_KEYWORD not in texts:
        raise ValueError("it carries no parameters of this program")
    try:
        return ImageRecord.model_validate({**_told(texts), "filename": path.name, "size_bytes": path.stat().st_size})
    except (TypeError, AttributeError, RecursionError, ValidationError) as error:
        if isinstance(error, ValidationError) and {problem["loc"] for problem in error.errors()} == {("filename",)}:
            raise ValueError(
                "a name has at most 254 characters, .png at its end, and no backslash, colon or control character"
            ) from error
        raise ValueError("its parameters are damaged") from error
