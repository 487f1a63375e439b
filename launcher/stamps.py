"""Stamps: a small file that says for which inputs a set-up step last succeeded.

A step's stamp is removed before the step begins and written after it succeeded, so an interrupted step is done again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path


def hash_inputs(files: Iterable[Path], *facts: str) -> str:
    """Hashes the contents of files and further facts; a missing file counts as empty."""
    digest = hashlib.sha256()
    for fact in facts:
        digest.update(f"{len(fact)}:{fact}".encode())
    for file in files:
        content = file.read_bytes() if file.is_file() else b""
        digest.update(f"{file.name}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()


def files_below(folder: Path, without: frozenset[str]) -> list[Path]:
    """Lists all files below a folder in a stable order, leaving out top-level names."""
    tops = sorted(top for top in folder.iterdir() if top.name not in without)
    nested = (sorted(top.rglob("*")) if top.is_dir() else [top] for top in tops)
    return [path for group in nested for path in group if path.is_file()]


def hash_names(folder: Path) -> str:
    """Hashes the names and sizes of the files below a folder: enough to notice that some have vanished."""
    files = [(path.relative_to(folder).as_posix(), path.stat().st_size) for path in files_below(folder, frozenset())]
    return hash_inputs([], *(f"{name}:{size}" for name, size in files))


class Stamp:
    """The stamp of one step, kept inside what the step makes, so that both vanish together."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> dict[str, str]:
        """Gives what was written, or nothing when there is no readable stamp."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(key): str(value) for key, value in content.items()} if isinstance(content, dict) else {}

    def matches(self, key: str) -> bool:
        """Tells whether the step last succeeded for this key."""
        return self.read().get("key") == key

    def clear(self) -> None:
        """Forgets the last success."""
        self._path.unlink(missing_ok=True)

    def write(self, key: str, **facts: str) -> None:
        """Records a success."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.write_text(json.dumps({"key": key, **facts}), encoding="utf-8")
        fresh.replace(self._path)
