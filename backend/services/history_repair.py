"""What the pictures themselves say, for a history that does not agree with them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path

from backend.models.schemas import ImageRecord
from backend.services.metadata import extract

logger = logging.getLogger(__name__)

DELETED_SUFFIX = ".deleted"


def find_strays(images_dir: Path, names: Iterable[str]) -> list[ImageRecord]:
    """Reads the records inside picture files, oldest first; whatever is no picture of ours is left alone."""
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
    """Adds to a picture's record what only the history knew of it."""
    if known is None:
        return record
    own = {"favourite": known.favourite, "tags": known.tags, "deleted_at": known.deleted_at}
    return record.model_copy(update=own)


def finish_deletes(images_dir: Path, names: Iterable[str]) -> None:
    """Removes the files of deletes that were cut off."""
    for name in names:
        if name.endswith(DELETED_SUFFIX):
            (images_dir / name).unlink(missing_ok=True)
