"""Folders of the pictures, which people and systems may remove while the service runs."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path

from backend.services.errors import DiskFull
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)


def prepare_folder(folder: Path) -> None:
    """Makes a folder again if it is gone.

    Raises:
        DiskFull: It cannot be made or written; nothing that is drawn could be kept.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        logger.error("%s cannot be used: %s", as_utf_8(folder), error.strerror)
        raise DiskFull(
            f"The folder {as_utf_8(folder.name)!r} of the pictures cannot be written ({error.strerror}), so nothing "
            "that is drawn could be kept; the log says where it is."
        ) from error
