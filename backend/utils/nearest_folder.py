"""Folders that may be gone, or not be there yet."""

from __future__ import annotations

from pathlib import Path


def nearest_folder(folder: Path) -> Path:
    """Returns the folder, or the one above it that exists: the disk is the same."""
    return next((place for place in (folder, *folder.parents) if place.is_dir()), Path())
