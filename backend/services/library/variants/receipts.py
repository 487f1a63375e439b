"""What was downloaded here, with the digest that was verified, so that nobody else's file is taken for ours."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from backend.utils.atomic_file import write_atomically

logger = logging.getLogger(__name__)


class Receipts:
    """Receipts by path, kept in a file; one holds as long as its file stays as it came. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()

    def digest_of(self, file: Path) -> str | None:
        """Returns the verified digest of a file that was downloaded and is as it was then, else None."""
        receipt = self._all().get(str(file))
        if not isinstance(receipt, dict):
            return None
        try:
            return str(receipt["digest"]) if _state_of(file) == receipt["state"] else None
        except (OSError, KeyError):
            return None

    def paths(self) -> frozenset[str]:
        """Returns the paths of all files with a receipt, whatever they are like now."""
        return frozenset(self._all())

    def add(self, file: Path, digest: str) -> None:
        """Notes that a file has come; a disk that refuses costs the note only."""
        try:
            self._change({str(file): {"digest": digest, "state": _state_of(file)}})
        except OSError as error:
            logger.warning("the receipt of %s is not written: %s", file.name, error.strerror)

    def forget(self, file: Path) -> None:
        """Removes the receipts of a file, or of all files in a folder."""
        gone = {path: None for path in self._all() if Path(path).is_relative_to(file)}
        try:
            self._change(gone)
        except OSError as error:
            logger.warning("the receipts of %s stay: %s", file.name, error.strerror)

    def _change(self, changes: Mapping[str, dict[str, Any] | None]) -> None:
        if not changes:
            return
        with self._lock:
            kept = {path: receipt for path, receipt in {**self._all(), **changes}.items() if receipt is not None}
            text = json.dumps(kept, indent=2)
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, lambda file: file.write(text.encode()))

    def _all(self) -> dict[str, Any]:
        try:
            stored = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s cannot be read: %s", self._path.name, error)
            return {}
        return stored if isinstance(stored, dict) else {}


def _state_of(file: Path) -> list[int]:
    status = file.stat()
    return [status.st_size, status.st_mtime_ns]
