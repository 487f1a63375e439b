"""Atomic writes: a file is whole or absent, whatever kills the process."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from backend.utils.ids import new_id

TEMPORARY_PREFIX = ".tmp-"


def write_atomically(path: Path, write: Callable[[BinaryIO], object]) -> int:
    """Replaces `path` by what `write` puts into a temporary file beside it; makes the folder if it is gone.

    The data are synced before the rename, and the rename before the function returns.

    Returns:
        Size of the file in bytes.

    Raises:
        OSError: The disk is full or refuses. `path` is as it was, unless only the rename could not be synced.
    """
    size_bytes = replace_file(path, write)
    sync_directory(path.parent)
    return size_bytes


def replace_file(path: Path, write: Callable[[BinaryIO], object]) -> int:
    """Does what `write_atomically` does, but leaves the sync of the rename to the caller.

    Returns:
        Size of the file in bytes.

    Raises:
        OSError: The disk is full or refuses; `path` is as it was and the temporary file is gone.
    """
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{new_id()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
            size_bytes = file.tell()
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return size_bytes


def sync_directory(folder: Path) -> None:
    """Syncs the names in a folder, where the platform can."""
    if os.name == "nt":  # Windows has no handle of a folder to flush
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_temporary_files(folder: Path) -> int:
    """Deletes the temporary files of killed writers; returns their number."""
    leftovers = list(folder.glob(f"{TEMPORARY_PREFIX}*"))
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return len(leftovers)


def set_aside(file: Path) -> Path:
    """Renames a damaged file to the first free `….corrupt-1`, `….corrupt-2`, …; returns that path."""
    aside = _free_name(file)
    file.replace(aside)
    return aside


def copy_aside(file: Path) -> Path:
    """Copies a partly damaged file to such a name if there is room; returns that path."""
    aside = _free_name(file)
    with contextlib.suppress(OSError):
        shutil.copyfile(file, aside)
    return aside


def _free_name(file: Path) -> Path:
    number = 1
    while (aside := file.with_name(f"{file.name}.corrupt-{number}")).exists():
        number += 1
    return aside
