"""`history.json`, which a person can read and back up, and beside it a log that keeps large histories quick to change.

A change of a small history rewrites the file. In a large one it is appended to `history.log`, a line a change, which
goes into the file when it has grown, when the process ends, and at the next start. Replaying a log twice changes
nothing, so a crash between the two writes is harmless. The pictures alone are enough to make both anew, but for
favourites, tags and the trash.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from pydantic import ValidationError

from backend.models.schemas import ImageRecord
from backend.services.errors import NewerFormat
from backend.utils.atomic_file import set_aside, write_atomically
from backend.utils.change_log import ChangeLog

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 2
"""2 has favourites, tags and the trash."""
SMALL = 1000
"""Up to so many pictures every change rewrites the file."""

_HEAD = b'{"version": %d, "images": [' % SCHEMA_VERSION
_TAIL = b"]}"


@dataclass(frozen=True)
class Line:
    """A record, and its JSON as it stands in the file."""

    record: ImageRecord
    json: bytes

    @classmethod
    def of(cls, record: ImageRecord) -> Line:
        """Encodes a record."""
        return cls(record, orjson.dumps(record.model_dump(mode="json")))


Changes = Mapping[str, bytes | None]
"""Id → the record's JSON, or None for a record that goes away."""


@dataclass(frozen=True)
class Content:
    """What was found: the records, or for a lost or damaged file what could be saved of it."""

    lines: list[Line]
    lost: bool
    outdated: bool = False


class HistoryFile:
    """The file and its log. Used by one thread at a time."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._log = ChangeLog(file.with_suffix(".log"))

    def read(self) -> Content:
        """Reads the file and replays the log; a damaged file is set aside.

        Raises:
            NewerFormat: a newer version of this program wrote it; nothing was touched.
        """
        lines: dict[str, Line] = {}
        try:
            raw = self._file.read_bytes()
        except FileNotFoundError:
            self._replay(lines)
            return Content(list(lines.values()), lost=True)
        found = _read_lines(raw)
        version = SCHEMA_VERSION
        if found is None:
            try:
                version, found = self._parse(raw)
            except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
                return self._salvage(raw, error)
        lines = {line.record.id: line for line in found}
        self._replay(lines)
        return Content(list(lines.values()), lost=False, outdated=version < SCHEMA_VERSION or self.has_log)

    def save(self, changes: Changes, size: int, all_lines: Callable[[], Iterable[bytes]]) -> None:
        """Makes changes durable.

        Args:
            changes: What changes.
            size: Number of records afterwards.
            all_lines: Gives every record's JSON, in order, as it is afterwards.

        Raises:
            OSError: the disk refuses; what is on it is as it was.
        """
        few = size <= SMALL or not self._log.is_sound
        if few or self._log.size + len(changes) > max(SMALL, size // 10):
            self.write(all_lines())
            return
        self._log.append([
            b'{"put": %s}' % line if line is not None else b'{"remove": "%s"}' % image_id.encode()
            for image_id, line in changes.items()
        ])  # fmt: skip

    def write(self, lines: Iterable[bytes]) -> None:
        """Replaces the file, one record a line, and empties the log.

        Raises:
            OSError: the disk refuses; the file is as it was.
        """
        content = b"%s\n%s\n%s\n" % (_HEAD, b",\n".join(lines), _TAIL)
        try:
            write_atomically(self._file, lambda file: file.write(content))
        except OSError:
            self._log.is_sound = False  # whatever the file lacks, the next change writes
            raise
        self._log.clear()

    @property
    def has_log(self) -> bool:
        """Whether changes stand in the log that the file does not have yet."""
        return self._log.size > 0

    # -- the file ----------------------------------------------------------------------------------------------------

    def _parse(self, raw: bytes) -> tuple[int, list[Line]]:
        """Reads a file that a person has laid out anew, or of an older format."""
        content = orjson.loads(raw)
        version = content["version"]
        if version > SCHEMA_VERSION:
            raise NewerFormat(self._file.name, version, SCHEMA_VERSION)
        lines = [Line.of(ImageRecord.model_validate(entry)) for entry in content["images"]]
        if version < SCHEMA_VERSION:
            shutil.copyfile(self._file, self._file.with_name(f"{self._file.name}.v{version}"))
        return version, lines

    def _salvage(self, raw: bytes, error: Exception) -> Content:
        """Keeps the damaged file under another name, and what its whole lines say."""
        aside = set_aside(self._file)
        logger.error(
            "%s is damaged (%s): kept as %s, rebuilding from the pictures",
            self._file.name, type(error).__name__, aside.name,
        )  # fmt: skip
        lines = {line.record.id: line for line in _whole_lines(raw)}
        self._replay(lines)
        return Content(list(lines.values()), lost=True)

    def _replay(self, lines: dict[str, Line]) -> None:
        for number, entry in self._log.entries():
            try:
                _apply(lines, orjson.loads(entry))
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValidationError):
                logger.warning("line %d of %s is damaged and skipped", number, self._log.name)


def _apply(lines: dict[str, Line], entry: dict[str, Any]) -> None:
    if "remove" in entry:
        lines.pop(str(entry["remove"]), None)
    else:
        line = Line.of(ImageRecord.model_validate(entry["put"]))
        lines[line.record.id] = line


def _read_lines(raw: bytes) -> list[Line] | None:
    """Reads a file that is laid out as `write` does it; None for any other one."""
    head, *body = raw.rstrip(b"\n").split(b"\n")
    if head != _HEAD or not body or body.pop() != _TAIL:
        return None
    try:
        texts = [text.removesuffix(b",") for text in body if text]
        return [Line(ImageRecord.model_validate_json(text), text) for text in texts]
    except ValidationError:
        return None


def _whole_lines(raw: bytes) -> Iterator[Line]:
    for text in raw.split(b"\n"):
        try:
            record = ImageRecord.model_validate_json(text.rstrip(b", \r"))
        except ValidationError:
            continue
        yield Line.of(record)
