"""One process owns a folder."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout


class FolderInUse(Exception):
    """Another process owns the folder."""


class FolderLock:
    """Holds a folder while the context lasts; the operating system frees it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / ".lock", blocking=False)

    def __enter__(self) -> None:
        """Takes the folder.

        Raises:
            FolderInUse: another process has it.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise FolderInUse(
                f"The data folder {self._folder} is in use by another running Z-Image. "
                "Stop that one, or choose another folder with --data-dir."
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Gives the folder back."""
        self._lock.release()
