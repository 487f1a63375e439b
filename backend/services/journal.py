"""The tasks on disk, so that a restart knows what waited and what was running."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ValidationError

from backend.models.schemas import TaskRecord
from backend.utils.atomic_file import write_atomically

logger = logging.getLogger(__name__)


class _Content(BaseModel):
    version: int = 1
    tasks: list[TaskRecord]


class Journal:
    """One JSON file with the unfinished tasks and the latest finished ones, oldest first."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> list[TaskRecord]:
        """Returns the tasks; none when the file is missing, or damaged and therefore set aside."""
        try:
            return _Content.model_validate_json(self._file.read_bytes()).tasks
        except FileNotFoundError:
            return []
        except ValidationError:
            aside = self._file.with_name(f"{self._file.name}.corrupt")
            self._file.replace(aside)
            logger.error("%s is damaged: kept as %s, the queue starts empty", self._file.name, aside.name)
            return []

    def write(self, tasks: Iterable[TaskRecord]) -> None:
        """Replaces the file.

        Raises:
            OSError: the disk refuses; the file is as it was.
        """
        content = _Content(tasks=list(tasks)).model_dump_json().encode()
        write_atomically(self._file, lambda file: file.write(content))
