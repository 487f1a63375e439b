"""`history.json` and its log, `history.log`.

A change of a small history rewrites the file. In a large one it is appended to the log. The log is merged into the file
when it has grown, when the process ends, and at the next start. Both can be rebuilt from the images, except
favourites, tags and the trash.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from backend.models.schemas import ImageRecord
from backend.utils import record_file
from backend.utils.atomic_file import set_aside
from backend.utils.record_file import Changes, RecordFile

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2 has favourites, tags and the trash."""
SMALL = 1000
"""Up to so many images every change rewrites the file."""

Line = record_file.Line[ImageRecord]
FORMAT = record_file.Format(
    version=SCHEMA_VERSION,
    key="images",
    id_of=lambda record: record.id,
    encode=lambda record: orjson.dumps(record.model_dump(mode="json")),
    decode=ImageRecord.model_validate_json,
)
line_of = FORMAT.line_of


@dataclass(frozen=True)
class Content:
    """The records; those that could be salvaged when the file is lost or damaged."""

    lines: list[Line]
    lost: bool
    outdated: bool = False


class HistoryFile:
    """The file and its log. Used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = RecordFile(file, FORMAT)

    def read(self) -> Content:
        """Reads the file and replays the log; sets a damaged file aside.

        Raises:
            NewerFormat: A newer version of this program wrote it; nothing was touched.
        """
        found = self._file.read()
        lost = found.version is None or found.damaged > 0
        lines = {line.record.id: line for line in (self._salvage() if lost else found.lines)}
        outdated = found.version is not None and found.version < SCHEMA_VERSION
        if outdated and not lost:
            path = self._file.path
            shutil.copyfile(path, path.with_name(f"{path.name}.v{found.version}"))
        self._file.replay(lines)
        return Content(list(lines.values()), lost, outdated=not lost and (outdated or self.has_log))

    def _salvage(self) -> list[Line]:
        """Sets a damaged file aside; returns what its whole lines say."""
        path = self._file.path
        if not path.exists():
            return []
        lines = list(self._file.whole_lines())
        logger.error("%s is damaged: kept as %s, rebuilding from the images", path.name, set_aside(path).name)
        return lines

    def save(self, changes: Changes, size: int, all_lines: Callable[[], Iterable[bytes]]) -> None:
        """Makes changes durable.

        Args:
            changes: What changes.
            size: Number of records afterwards.
            all_lines: Returns every record's JSON, in order, as it is afterwards.

        Raises:
            OSError: The disk refuses; what is on it is as it was.
        """
        if size > SMALL and self._file.can_append(len(changes), max(SMALL, size // 10)):
            self._file.append(changes)
        else:
            self.write(all_lines())

    def write(self, lines: Iterable[bytes]) -> None:
        """Replaces the file and empties the log.

        Raises:
            OSError: The disk refuses; the file is as it was.
        """
        try:
            self._file.write(lines)
        except OSError:
            self._file.distrust_log()  # whatever the file lacks, the next change writes
            raise

    @property
    def has_log(self) -> bool:
        """Whether the log has changes that the file lacks."""
        return self._file.has_log


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Pauses garbage collection while many objects are made, none of which is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
