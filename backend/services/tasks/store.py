"""The tasks on disk, so that a restart knows what waited and what was running.

A change of a short list rewrites `tasks.json`. That of a longer one is appended to `tasks.log`, which goes into the
file when it has grown, and at the next start.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from backend.services.tasks.records import TaskRecord
from backend.utils import record_file
from backend.utils.atomic_file import copy_aside, set_aside
from backend.utils.record_file import Changes, RecordFile

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2 keeps all images of a task; 1 had one `result`."""
SHORT = 50
"""Up to so many tasks every change rewrites the file."""

Line = record_file.Line[TaskRecord]
Lines = record_file.Lines[TaskRecord]


def _upgrade(task: dict[str, Any], version: int) -> dict[str, Any]:  # noqa: ARG001 — 1 is the only older one
    result = task.get("result")
    return {**task, "images": [result] if result else [], "step": 0 if result else task.get("current_step", 0)}


def _encode(task: TaskRecord) -> bytes:
    try:
        return task.model_dump_json().encode()
    except ValueError:  # half a character, from the name of a folder: one task must not keep all others off the disk
        logger.error("task %s has a text that is not UTF-8", task.id)
        return json.dumps(task.model_dump(mode="json"), ensure_ascii=False).encode(errors="replace")


FORMAT = record_file.Format(
    version=SCHEMA_VERSION,
    key="tasks",
    id_of=lambda task: task.id,
    encode=_encode,
    decode=TaskRecord.model_validate_json,
    upgrade=_upgrade,
)


class Journal:
    """The unfinished tasks and the latest finished ones. Used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = RecordFile(file, FORMAT)
        self._file.distrust_log()  # that of the last run may end in half a line
        self._lines: Lines = {}

    def read(self) -> list[TaskRecord]:
        """Returns the tasks. Of a file that is missing, or damaged and therefore set aside, only the log is left.

        Raises:
            NewerFormat: A newer version of this program wrote the file; it was not touched.
        """
        found, path = self._file.read(), self._file.path
        if found.version is None and path.exists():
            logger.error("%s is damaged: kept as %s; the queue starts with its log", path.name, set_aside(path).name)
        elif found.damaged:
            logger.error(
                "%d of %d tasks in %s are damaged and left out; the file is kept as %s",
                found.damaged, found.damaged + len(found.lines), path.name, copy_aside(path).name,
            )  # fmt: skip
        lines = {line.record.id: line for line in found.lines}
        self._file.replay(lines, _put)
        return [line.record for line in lines.values()]

    def write(self, tasks: Iterable[TaskRecord]) -> None:
        """Makes the disk say what the tasks are now; unchanged tasks are not written again.

        Raises:
            OSError: The disk refuses; what is on it is as it was.
        """
        lines = {task.id: self._line(task) for task in tasks}
        changes = None if len(lines) <= SHORT else self._changes(lines)
        if changes is None:
            self._file.write(line.json for line in lines.values())
        elif changes:
            self._file.append(changes)
        self._lines = lines

    def _line(self, task: TaskRecord) -> Line:
        known = self._lines.get(task.id)
        return known if known is not None and known.record is task else FORMAT.line_of(task)

    def _changes(self, lines: Lines) -> Changes | None:
        """Returns what to append to the log; None when that cannot express it, or the log has grown too long."""
        changed = [line for key, line in lines.items() if self._lines.get(key) is not line]
        gone = self._lines.keys() - lines.keys()
        if not self._file.can_append(len(changed) + len(gone), max(SHORT, len(lines))):
            return None
        replayed = {key: line for key, line in self._lines.items() if key not in gone}
        for line in changed:
            _put(replayed, line)
        if list(replayed) != list(lines):  # somebody has moved a task
            return None
        return {**dict.fromkeys(gone), **{line.record.id: line.json for line in changed}}


def _put(lines: Lines, line: Line) -> None:
    """Finished tasks stand in the order of their ends, behind what they were before; the others keep their places."""
    if line.record.status.is_final:
        lines.pop(line.record.id, None)
    lines[line.record.id] = line
