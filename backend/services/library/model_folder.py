"""Whether a folder is a whole model in the published layout, and what it lacks."""

from __future__ import annotations

import json
import os
from pathlib import Path

from backend.services.library.files import WEIGHTED_PARTS
from backend.utils.zimage_library import make_importable

INDEX = "model_index.json"
PIPELINE, OMNI_PIPELINE = "ZImagePipeline", "ZImageOmniPipeline"
OMNI_FILES = ("siglip/config.json", "siglip_processor/preprocessor_config.json")
_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))


def is_meant_as_model(folder: Path) -> bool:
    """Tells whether a folder, whole or not, is one of a model; others are nobody's business."""
    try:
        return (folder / INDEX).exists() or any((folder / part).is_dir() for part in WEIGHTED_PARTS)
    except OSError:
        return False


def find_fault(folder: Path) -> str | None:
    """Returns why a folder is no whole model, as a sentence that names files within it; None for a whole one."""
    try:
        return _index_fault(folder) or _parts_fault(folder)
    except OSError as error:
        return f"It cannot be read: {error.strerror}."


def is_omni(folder: Path) -> bool:
    """Tells whether a whole model is of the Omni variant, which draws from reference images."""
    try:
        index = json.loads((folder / INDEX).read_text("utf-8-sig"))
        return bool(index["_class_name"] == OMNI_PIPELINE)
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return False


def _index_fault(folder: Path) -> str | None:
    file = folder / INDEX
    if not file.is_file():
        return f"{INDEX} {_absence(file)}."
    try:
        index = json.loads(file.read_text("utf-8-sig"))
        kind = index.get("_class_name")
    except (ValueError, AttributeError, RecursionError):
        return f"{INDEX} is damaged."
    if kind == OMNI_PIPELINE:
        missing = next((name for name in OMNI_FILES if not (folder / name).is_file()), None)
        return missing and f"{missing} is missing, and the Omni variant sees images with it."
    return None if kind == PIPELINE else f"It is a {kind}, and Z-Image draws with a {PIPELINE}."


def _parts_fault(folder: Path) -> str | None:
    files = [
        folder / "scheduler" / "scheduler_config.json",
        *(folder / part / "config.json" for part in WEIGHTED_PARTS),
    ]
    for file in files:
        if not file.is_file():
            return f"{file.relative_to(folder).as_posix()} {_absence(file)}."
    for part in WEIGHTED_PARTS:
        fault = _weights_fault(folder / part)
        if fault is not None:
            return f"{fault.replace(f'{folder}{os.sep}', '')}."
    if not any(all((folder / "tokenizer" / name).is_file() for name in names) for names in _TOKENIZERS):
        return "tokenizer/tokenizer.json is missing."
    return None


def _weights_fault(folder: Path) -> str | None:
    make_importable()
    from zimage.weights.selection import find_checkpoints

    found = find_checkpoints(folder)
    if any(checkpoint.fault is None for checkpoint in found):
        return None
    return next((checkpoint.fault for checkpoint in found), f"{folder.name} has no weights in safetensors")


def _absence(file: Path) -> str:
    return "is a link to a file that is not there" if file.is_symlink() else "is missing"
