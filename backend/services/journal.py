"""The tasks on disk, so that a restart knows what waited and what was running."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from backend.models.schemas import TaskRecord
from backend.services.errors import NewerFormat
from backend.utils.atomic_file import copy_aside, set_aside, write_atomically

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2 keeps all pictures of a task; 1 had one `result`."""


class Journal:
    """One JSON file with the unfinished tasks and the latest finished ones, a task a line."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lines: dict[str, tuple[TaskRecord, bytes]] = {}

    def read(self) -> list[TaskRecord]:
        """Returns the tasks; none when the file is missing, or damaged and therefore set aside.

        Raises:
            NewerFormat: a newer version of this program wrote the file; it was not touched.
        """
        try:
            content = orjson.loads(self._file.read_bytes())
            if content["version"] > SCHEMA_VERSION:
                raise NewerFormat(self._file.name, content["version"], SCHEMA_VERSION)
            found = [_read_task(task, content["version"]) for task in content["tasks"]]
            tasks = [task for task in found if task is not None]
            if len(tasks) < len(found):
                aside = copy_aside(self._file)
                logger.error(
                    "%d of %d tasks in %s are damaged and left out; the file is kept as %s",
                    len(found) - len(tasks), len(found), self._file.name, aside.name,
                )  # fmt: skip
            return tasks
        except FileNotFoundError:
            return []
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            aside = set_aside(self._file)
            logger.error("%s is damaged: kept as %s, the queue starts empty", self._file.name, aside.name)
            return []

    def write(self, tasks: Iterable[TaskRecord]) -> None:
        """Replaces the file.

        Raises:
            OSError: the disk refuses; the file is as it was.
        """
        lines = {task.id: (task, self._line(task)) for task in tasks}
        body = b",\n".join(line for _, line in lines.values())
        content = b'{"version": %d, "tasks": [\n%s\n]}\n' % (SCHEMA_VERSION, body)
        write_atomically(self._file, lambda file: file.write(content))
        self._lines = lines

    def _line(self, task: TaskRecord) -> bytes:
        """Only what has changed since the last time is encoded anew."""
        known, line = self._lines.get(task.id, (None, b""))
        return line if known is task else task.model_dump_json().encode()


def _read_task(task: Any, version: int) -> TaskRecord | None:
    """Returns a task, or None for a damaged one: it must not take the others with it."""
    try:
        return TaskRecord.model_validate_json(orjson.dumps(_migrated(task) if version == 1 else task))
    except (TypeError, AttributeError, ValidationError):
        return None


def _migrated(task: dict[str, Any]) -> dict[str, Any]:
    result = task.get("result")
    return {**task, "images": [result] if result else [], "step": 0 if result else task.get("current_step", 0)}
