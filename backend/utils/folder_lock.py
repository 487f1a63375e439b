"""Lock on a folder: one process owns it."""

from __future__ import annotations

import errno
from pathlib import Path
from types import TracebackType

from filelock import FileLock, Timeout

from backend.utils.texts import as_utf_8

_NO_LOCKS = frozenset({errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP})


class FolderInUse(Exception):
    """Another process owns the folder."""


class FolderNotLockable(Exception):
    """The folder cannot be locked, so that another process might write into it, too."""


class FolderLock:
    """Context manager that locks a folder; the operating system unlocks it when the process dies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = FileLock(folder / ".lock", blocking=False, fallback_to_soft=False)

    def __enter__(self) -> None:
        """Locks the folder.

        Raises:
            FolderInUse: Another process has it.
            FolderNotLockable: Its file system has no locks, or refuses this one.
        """
        try:
            self._lock.acquire()
        except Timeout:
            raise FolderInUse(
                f"The data folder {as_utf_8(self._folder)} is in use by another running Z-Image. "
                "Stop that one, or choose another folder with --data-dir."
            ) from None
        except OSError as error:
            reason = "its file system has no locks" if error.errno in _NO_LOCKS else "a file in it cannot be locked"
            raise FolderNotLockable(
                f"The data folder {as_utf_8(self._folder)} cannot be used: {reason} ({error.strerror}). "
                "Choose a folder on a disk of this machine with --data-dir."
            ) from None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Unlocks the folder."""
        self._lock.release()
