"""Where LoRAs lie: a folder of ours, ComfyUI's, and those that come with a model. Nothing is read but names."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from backend.models.config import Settings
from backend.services.library.places import EXTRA_PATHS, is_own, published_root, read_extra_paths
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)

LORAS = "loras"
SUFFIXES = (".safetensors", ".sft")
PICTURES = (".png", ".jpg", ".jpeg", ".webp")
MAX_FILES = 10_000
MAX_DEPTH = 5
SIDECARS = (
    *(f".preview{suffix}" for suffix in PICTURES),
    *PICTURES,
    ".json",
    ".civitai.info",
    ".txt",
)
"""Endings of the files beside a LoRA, after its stem; of several previews the first counts."""
_NAME = attrgetter("name")


@dataclass(frozen=True)
class LoraFolder:
    """Folder that is searched with all in it.

    Attributes:
        is_own: whether its files can be deleted here.
        fault: why there is none, as a sentence.
    """

    root: Path
    is_own: bool = False
    fault: str | None = None


class Sidecar(NamedTuple):
    """File beside a LoRA: what its name ends with after the stem, and what tells a changed one."""

    ending: str
    name: str
    size_bytes: int
    mtime_ns: int


class LoraFile(NamedTuple):
    """File that may be a LoRA.

    Attributes:
        path: of the file; a tuple of plain values is built faster than anything else, and there are many.
        name: path below the folder that is searched, with slashes.
        folder: index of that folder.
    """

    path: str
    name: str
    folder: int
    size_bytes: int
    mtime_ns: int
    sidecars: tuple[Sidecar, ...]

    @property
    def signature(self) -> tuple[int, int, tuple[Sidecar, ...]]:
        """What tells a changed one."""
        return self.size_bytes, self.mtime_ns, self.sidecars


def home_of(settings: Settings) -> Path:
    """Returns the folder that LoRAs which are sent here go to."""
    folder = settings.loras_dir
    return folder if is_own(folder) else settings.data_dir / LORAS


def find_folders(settings: Settings) -> list[LoraFolder]:
    """Returns the folders to search, each once: that of the settings, ComfyUI's, those that come with models."""
    home, ckpts = home_of(settings), settings.base_dir / "Z-Image" / "ckpts"
    is_comfy_s = home.name == LORAS and not is_own(home.parent)
    found = [LoraFolder(home, is_own=not is_comfy_s), LoraFolder(settings.data_dir / LORAS, is_own=True)]
    for place in (settings.loras_dir, settings.models_dir):
        if place is not None and place != home:
            found += _comfy_s(place)
    found += [LoraFolder(ckpts / LORAS), *(LoraFolder(folder / LORAS) for folder in _subfolders(ckpts))]
    by_path: dict[Path, LoraFolder] = {}
    for folder in found:
        by_path.setdefault(folder.root.resolve(), folder)
    return list(by_path.values())


def _comfy_s(place: Path) -> list[LoraFolder]:
    """Returns the folders of LoRAs that belong to a folder of models, or that a file of paths names."""
    root = published_root(place)
    paths = place if root is None else place / EXTRA_PATHS
    found = [] if root is None else [LoraFolder(root / LORAS)]
    for extra in read_extra_paths(paths, (LORAS,)) if root is None or paths.is_file() else ():
        found += [LoraFolder(extra.root, fault=extra.fault)] if extra.fault else map(LoraFolder, extra.folders)
    return found


def _subfolders(root: Path) -> list[Path]:
    try:
        return sorted(path for path in root.iterdir() if path.name[0] != "." and path.name != LORAS and path.is_dir())
    except OSError:
        return []


def find_files(folders: Sequence[LoraFolder]) -> list[LoraFile]:
    """Returns the files in folders and in theirs, by folder and name; hidden ones are none."""
    found: list[LoraFile] = []
    seen: set[str] = set()
    for index, folder in enumerate(folders):
        if folder.fault is None:
            found += sorted(_files_in(str(folder.root), index, seen), key=_NAME)
    if len(found) > MAX_FILES:
        logger.warning("only %d of %d LoRAs are looked at", MAX_FILES, len(found))
    return found[:MAX_FILES]


def _files_in(root: str, index: int, seen: set[str]) -> list[LoraFile]:
    found: list[LoraFile] = []
    waiting = [(root, "", 0)]
    while waiting:
        folder, below, depth = waiting.pop()
        real = os.path.realpath(folder)
        if real in seen:  # a link that leads back, or a folder within another one that is searched
            continue
        seen.add(real)
        entries = _entries(folder)
        for name, entry in entries.items():
            stem, dot, suffix = name.rpartition(".")
            try:
                if dot + suffix.lower() in SUFFIXES and _is_file(entry):
                    found.append(_describe(entry, stem, below + name, index, entries))
                elif depth < MAX_DEPTH and entry.is_dir():
                    waiting.append((entry.path, f"{below}{name}/", depth + 1))
            except OSError:  # it has gone meanwhile
                continue
    return found


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Tells a plain file, or a link to one or to nowhere: a pipe or a device would never end."""
    return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())


def _entries(folder: str) -> dict[str, os.DirEntry[str]]:
    try:
        with os.scandir(folder) as scanned:
            return {entry.name: entry for entry in scanned if entry.name[0] != "."}
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        logger.warning("the folder of LoRAs %s cannot be read: %s", as_utf_8(folder), error)
        return {}


def _describe(
    entry: os.DirEntry[str], stem: str, name: str, index: int, entries: dict[str, os.DirEntry[str]]
) -> LoraFile:
    try:
        status = entry.stat()
        size_bytes, mtime_ns = status.st_size, status.st_mtime_ns
    except FileNotFoundError:  # a link that leads nowhere
        size_bytes, mtime_ns = 0, 0
    beside: tuple[Sidecar, ...] = ()
    for ending in SIDECARS:
        sidecar = entries.get(stem + ending)
        if sidecar is not None and sidecar.is_file(follow_symlinks=False):
            status = sidecar.stat(follow_symlinks=False)
            beside += (Sidecar(ending, stem + ending, status.st_size, status.st_mtime_ns),)
    return LoraFile(entry.path, name, index, size_bytes, mtime_ns, beside)
