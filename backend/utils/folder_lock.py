"""Lock on a folder: one process owns it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout


class FolderInUse(Exception):
    """Another process owns the folder."""


class FolderLock:
    """Context manager that locks a folder; the operating system unlocks it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / ".lock", blocking=False)

    def __enter__(self) -> None:
        """Locks the folder.

        Raises:
            FolderInUse: Another process has it.
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
        """Unlocks the folder."""
        self._lock.release()
