"""Which files of the variants are on the disk, and which models they have become. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from backend.models.catalogue import PartName
from backend.services.library.model_entry import ModelEntry
from backend.services.library.part_files import WeightFile
from backend.services.library.variants.table import Variant, VariantFile

Here = Mapping[tuple[PartName, str], Path]
"""Paths of files by the part that they have and their name."""


def find_here(files: Iterable[WeightFile]) -> Here:
    """Returns the files that may be a variant's; what they really are, only their digests tell."""
    found: dict[tuple[PartName, str], Path] = {}
    for file in files:
        for part in file.parts:
            found.setdefault((part.part, file.path.name), file.path)
    return found


def path_of(file: VariantFile, here: Here) -> Path | None:
    """Returns where a variant's file is, None for nowhere."""
    return here.get((file.part, file.name))


def model_of(variant: Variant, models: Sequence[ModelEntry]) -> ModelEntry | None:
    """Returns the model that a variant has become, whole or not; None when nothing of it is here."""
    transformer = variant.transformer
    if transformer is None:
        return next((model for model in models if model.id == variant.id and model.repository), None)
    mine = [model for model in models if any(_is_of(file.path, transformer) for file in model.parts)]
    return min(mine, key=lambda model: not model.installed, default=None)


def _is_of(path: Path, transformer: VariantFile) -> bool:
    return path.name == transformer.name
