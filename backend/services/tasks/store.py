"""The tasks on disk, so that a restart knows what waited and what was running.

A change of a short list rewrites `tasks.json`, a task a line. That of a longer one is appended to `tasks.log`, which
goes into the file when it has grown, and at the next start. Replaying it twice changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from backend.services.errors import NewerFormat
from backend.services.tasks.records import TaskRecord
from backend.utils.atomic_file import copy_aside, set_aside, write_atomically
from backend.utils.change_log import ChangeLog

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2 keeps all pictures of a task; 1 had one `result`."""
SHORT = 50
"""Up to so many tasks every change rewrites the file."""

Lines = dict[str, tuple[TaskRecord, bytes]]
"""Id → a task, and its JSON as it stands on the disk."""


class Journal:
    """The unfinished tasks and the latest finished ones. Used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log = ChangeLog(file.with_suffix(".log"))
        self._log.is_sound = False  # that of the last run may end in half a line: the first change writes the file
        self._lines: Lines = {}

    def read(self) -> list[TaskRecord]:
        """Returns the tasks; none when the file is missing, or damaged and therefore set aside.

        Raises:
            NewerFormat: a newer version of this program wrote the file; it was not touched.
        """
        tasks = {task.id: task for task in self._read_file()}
        for number, entry in self._log.entries():
            try:
                _replay(tasks, orjson.loads(entry))
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValidationError):
                logger.warning("line %d of %s is damaged and skipped", number, self._log.name)
        return list(tasks.values())

    def _read_file(self) -> list[TaskRecord]:
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
        """Makes the disk say what the tasks are now; what has not changed since the last time is not written again.

        Raises:
            OSError: the disk refuses; what is on it is as it was.
        """
        lines = {task.id: self._line(task) for task in tasks}
        entries = None if len(lines) <= SHORT else self._difference(lines)
        if entries is None:
            self._rewrite(lines)
        elif entries:
            self._log.append(entries)
        self._lines = lines

    def _line(self, task: TaskRecord) -> tuple[TaskRecord, bytes]:
        known = self._lines.get(task.id)
        return known if known is not None and known[0] is task else (task, task.model_dump_json().encode())

    def _difference(self, lines: Lines) -> list[bytes] | None:
        """Returns what to append to the log; None when that cannot express it, or the log has grown too long."""
        changed = {key: line for key, line in lines.items() if self._lines.get(key) is not line}
        gone = self._lines.keys() - lines.keys()
        if not self._log.is_sound or self._log.size + len(changed) + len(gone) > max(SHORT, len(lines)):
            return None
        replayed = {key: task for key, (task, _) in self._lines.items()}
        for key in gone:
            del replayed[key]
        for task, _ in changed.values():
            _put(replayed, task)
        if list(replayed) != list(lines):  # somebody has moved a task
            return None
        return [b'{"remove": "%s"}' % key.encode() for key in gone] + [
            b'{"put": %s}' % json for _, json in changed.values()
        ]

    def _rewrite(self, lines: Lines) -> None:
        body = b",\n".join(json for _, json in lines.values())
        content = b'{"version": %d, "tasks": [\n%s\n]}\n' % (SCHEMA_VERSION, body)
        write_atomically(self._file, lambda file: file.write(content))
        self._log.clear()


def _replay(tasks: dict[str, TaskRecord], entry: dict[str, Any]) -> None:
    if "remove" in entry:
        tasks.pop(entry["remove"], None)
    else:
        _put(tasks, TaskRecord.model_validate_json(orjson.dumps(entry["put"])))


def _put(tasks: dict[str, TaskRecord], task: TaskRecord) -> None:
    """Finished tasks stand in the order of their ends, behind what they were before; the others keep their places."""
    if task.status.is_final:
        tasks.pop(task.id, None)
    tasks[task.id] = task


def _read_task(task: Any, version: int) -> TaskRecord | None:
    """Returns a task, or None for a damaged one: it must not take the others with it."""
    try:
        return TaskRecord.model_validate_json(orjson.dumps(_migrated(task) if version == 1 else task))
    except (TypeError, AttributeError, ValidationError):
        return None


def _migrated(task: dict[str, Any]) -> dict[str, Any]:
    result = task.get("result")
    return {**task, "images": [result] if result else [], "step": 0 if result else task.get("current_step", 0)}
