"""Repair of a history that does not agree with the image files."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Set
from pathlib import Path

from backend.models.schemas import ImageRecord
from backend.services.images.history_file import HistoryFile, Line
from backend.services.images.metadata.own import extract

logger = logging.getLogger(__name__)

DELETED_SUFFIX = ".deleted"


def find_strays(images_dir: Path, names: Iterable[str]) -> list[ImageRecord]:
    """Reads the records inside image files, oldest first; ignores other files."""
    found: dict[str, ImageRecord] = {}
    for name in sorted(names):
        if not name.endswith(".png"):
            continue
        try:
            record = extract(images_dir / name)
        except (OSError, ValueError) as error:
            logger.warning("%s is skipped: %s", json.dumps(name), error)
            continue
        found.setdefault(record.id, record)
    return sorted(found.values(), key=lambda record: (record.created_at, record.id))


def with_own_facts(record: ImageRecord, known: ImageRecord | None) -> ImageRecord:
    """Adds the fields that only the history has to an image's record."""
    if known is None:
        return record
    own = {"favourite": known.favourite, "tags": known.tags, "deleted_at": known.deleted_at}
    return record.model_copy(update=own)


def finish_deletes(images_dir: Path, names: Iterable[str]) -> None:
    """Removes the files of interrupted deletes."""
    for name in names:
        if name.endswith(DELETED_SUFFIX):
            (images_dir / name).unlink(missing_ok=True)


class Dropped:
    """Records whose files are missing, in a file beside the history.

    The folder may be unmounted or moved for a while. When an image is back, so are its favourite, tags and place in
    the trash.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def remember(self, lines: Iterable[Line]) -> None:
        """Adds records.

        Raises:
            OSError: The disk refuses; the file is as it was.
        """
        known = {line.record.id: line for line in self._read()}
        self._write([*(known | {line.record.id: line for line in lines}).values()])

    def forget(self, image_ids: Set[str]) -> None:
        """Removes the records of images that are back.

        Raises:
            OSError: The disk refuses.
        """
        known = self._read()
        kept = [line for line in known if line.record.id not in image_ids]
        if len(kept) < len(known):
            self._write(kept)

    def facts(self) -> dict[str, ImageRecord]:
        """Returns the records by id."""
        return {line.record.id: line.record for line in self._read()}

    def _read(self) -> list[Line]:
        return HistoryFile(self._file).read().lines if self._file.exists() else []

    def _write(self, lines: list[Line]) -> None:
        if lines:
            HistoryFile(self._file).write(line.json for line in lines)
        else:
            self._file.unlink(missing_ok=True)
