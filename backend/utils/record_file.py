"""JSON file with one record a line, and a log of the changes that it lacks.

`x.json` is `{"version": 2, "generation": "…", "things": [`, the records, `]}`; a person may lay it out anew.
`x.log` has a change a line, `{"generation": "…", "put": record}` or `{"generation": "…", "remove": "id"}`.
Every write of the file is a new generation. So a log that a crash has left beside a newer file is ignored, rather than
to undo what came later. Files of versions that knew no generations are read with the lines that name none.
"""

from __future__ import annotations

import codecs
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson

from backend.utils.atomic_file import replace_file, sync_directory
from backend.utils.change_log import ChangeLog
from backend.utils.ids import new_id

logger = logging.getLogger(__name__)

Record = TypeVar("Record")
Changes = Mapping[str, bytes | None]
"""Id → the record's JSON; None removes the record."""

_DAMAGE = (ValueError, KeyError, TypeError, AttributeError)
"""What JSON of another shape raises; Pydantic's and orjson's errors are ValueErrors."""


class NewerFormat(Exception):
    """A newer version of the program wrote the file."""

    def __init__(self, name: str, version: int, known_version: int) -> None:
        super().__init__(
            f"{name} was written by a newer version of this program (format {version}, this one reads "
            f"{known_version}). Update the program; nothing was changed."
        )


@dataclass(frozen=True)
class Line(Generic[Record]):
    """A record and its JSON in the file."""

    record: Record
    json: bytes


Lines = dict[str, Line[Record]]
"""Id → line, in the order of the file."""


@dataclass(frozen=True)
class Format(Generic[Record]):
    """What a file holds.

    Attributes:
        version: Version that is written; older ones are read.
        key: Name of the list of records.
        id_of: Returns a record's id.
        encode: Returns a record's JSON, on one line.
        decode: Reads that; raises ValueError for a damaged record.
        upgrade: Turns an entry of an older version, which it gets, into one of this version.
    """

    version: int
    key: str
    id_of: Callable[[Record], str]
    encode: Callable[[Record], bytes]
    decode: Callable[[bytes], Record]
    upgrade: Callable[[Any, int], Any] = lambda entry, version: entry  # noqa: ARG005

    def line_of(self, record: Record) -> Line[Record]:
        """Encodes a record."""
        return Line(record, self.encode(record))


@dataclass(frozen=True)
class Content(Generic[Record]):
    """What a file was found to hold, without its log.

    Attributes:
        lines: The sound records.
        version: Version of the file; None when there is none, or it cannot be read.
        damaged: Number of records that were left out.
    """

    lines: list[Line[Record]]
    version: int | None
    damaged: int = 0


class RecordFile(Generic[Record]):
    """A file of records and its log. Used by one thread at a time."""

    def __init__(self, path: Path, layout: Format[Record]) -> None:
        self.path = path
        self._format = layout
        self._log = ChangeLog(path.with_suffix(".log"))
        self._generation: str | None = None
        """Of the file; empty in files of versions that knew none, None while it is not known."""
        self._head = re.compile(
            rb'\{"version": %d, (?:"generation": "(\w+)", )?"%s": \[' % (layout.version, layout.key.encode())
        )

    @property
    def has_log(self) -> bool:
        """Whether the log has changes that the file lacks."""
        return self._log.size > 0

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self) -> Content[Record]:
        """Reads the file; the log is left to `replay`.

        Raises:
            NewerFormat: A newer version of the program wrote it.
        """
        self._generation = None
        try:
            raw = _as_utf_8(self.path.read_bytes())
        except FileNotFoundError:
            return Content([], version=None)
        lines = self._read_lines(raw)
        if lines is not None:
            return Content(lines, self._format.version)
        try:
            return self._read_json(orjson.loads(raw))
        except _DAMAGE:
            return Content([], version=None)

    def _read_lines(self, raw: bytes) -> list[Line[Record]] | None:
        """Reads a file laid out as `write` does it; None for any other."""
        first, *body = raw.rstrip(b"\n").split(b"\n")
        head = self._head.fullmatch(first)
        if head is None:
            return None
        self._generation = (head[1] or b"").decode()
        if not body or body.pop() != _TAIL:
            return None
        try:
            texts = [text.removesuffix(b",") for text in body if text]
            return [Line(self._format.decode(text), text) for text in texts]
        except ValueError:
            return None

    def _read_json(self, content: Any) -> Content[Record]:
        """Reads a file that a person has laid out anew, or of an older version."""
        version = content["version"]
        if version > self._format.version:
            raise NewerFormat(self.path.name, version, self._format.version)
        self._generation = content.get("generation", "")
        found = [self._read_entry(entry, version) for entry in content[self._format.key]]
        lines = [line for line in found if line is not None]
        return Content(lines, version, damaged=len(found) - len(lines))

    def _read_entry(self, entry: Any, version: int) -> Line[Record] | None:
        """Reads a record; None for a damaged one, which must not take the others with it."""
        try:
            current = entry if version == self._format.version else self._format.upgrade(entry, version)
            return self._decode(current)
        except _DAMAGE:
            return None

    def _decode(self, entry: Any) -> Line[Record]:
        return self._format.line_of(self._format.decode(orjson.dumps(entry)))

    def replay(self, lines: Lines[Record], put: Callable[[Lines[Record], Line[Record]], None] | None = None) -> None:
        """Applies the log to what `read` has returned; skips its damaged lines, and those of another generation.

        All lines count beside a file that is missing or damaged beyond its head.

        Args:
            lines: What the file holds; changed in place.
            put: Adds or replaces a record; without it, a known one keeps its place and a new one comes last.
        """
        outdated = 0
        for number, text in self._log.entries():
            try:
                entry = orjson.loads(text)
                if self._generation not in (None, entry.get("generation", "")):
                    outdated += 1
                    continue
                if "remove" in entry:
                    lines.pop(entry["remove"], None)
                    continue
                line = self._decode(entry["put"])
            except _DAMAGE:
                logger.warning("line %d of %s is damaged and skipped", number, self._log.name)
                continue
            if put is not None:
                put(lines, line)
            else:
                lines[self._format.id_of(line.record)] = line
        if outdated:
            logger.warning("%d lines of %s are older than %s: ignored", outdated, self._log.name, self.path.name)

    def whole_lines(self) -> Iterator[Line[Record]]:
        """Yields the records that a damaged file has on lines of their own."""
        for text in _as_utf_8(self.path.read_bytes()).split(b"\n"):
            try:
                record = self._format.decode(text.rstrip(b", \r"))
            except ValueError:
                continue
            yield self._format.line_of(record)

    # -- writing -----------------------------------------------------------------------------------------------------

    def can_append(self, count: int, max_lines: int) -> bool:
        """Tells whether file and log are sound, and the log has at most so many lines with `count` more."""
        return self.path.exists() and self._log.is_whole and self._log.size + count <= max_lines

    def append(self, changes: Changes) -> None:
        """Appends changes to the log.

        Raises:
            OSError: The disk refuses. The log takes no more until the file is written, whose generation is another.
        """
        generation = b'"generation": "%s", ' % self._generation.encode() if self._generation else b""
        self._log.append([
            b'{%s"put": %s}' % (generation, json) if json is not None
            else b'{%s"remove": "%s"}' % (generation, key.encode())
            for key, json in changes.items()
        ])  # fmt: skip

    def distrust_log(self) -> None:
        """Makes the next change write the file."""
        self._log.is_sound = False

    def write(self, lines: Iterable[bytes]) -> None:
        """Replaces the file and empties the log.

        Raises:
            OSError: The disk refuses; both are as they were.
        """
        generation = new_id()[:16]
        head = b'{"version": %d, "generation": "%s", "%s": [' % (
            self._format.version, generation.encode(), self._format.key.encode(),
        )  # fmt: skip
        content = b"%s\n%s\n%s\n" % (head, b",\n".join(lines), _TAIL)
        replace_file(self.path, lambda file: file.write(content))
        self._generation = generation
        try:
            sync_directory(self.path.parent)
        except OSError as error:  # what has been replaced cannot be taken back, so it must not count as refused
            logger.error("%s is written; its folder could not be synced: %s", self.path.name, error)
        self._log.clear()


_TAIL = b"]}"
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def _as_utf_8(raw: bytes) -> bytes:
    """Returns a file without its byte order mark, which editors and shells of Windows write, as UTF-8."""
    for mark, encoding in _MARKS.items():
        if raw.startswith(mark):
            return raw.decode(encoding, "replace").encode()
    return raw
