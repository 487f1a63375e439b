"""Index of the records in memory: searched fields decoded, the rest as JSON."""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from backend.models.recipe import MAX_SEED
from backend.models.schemas import Door, ImageRecord
from backend.services.images.history_file import Line
from backend.utils.fold import fold


class Entry(NamedTuple):
    """Record in the index; `number` grows with every image and orders them.

    A tuple, because there are many: it is built three times faster than a frozen dataclass.
    """

    number: int
    id: str
    json: bytes
    filename: str
    words: str
    """Text to search, as `searchable` encodes it."""
    seed: int
    model: str
    longer_side_px: int
    created_at: float
    favourite: bool
    tags: tuple[str, ...]
    deleted_at: float | None
    owner: str | None

    @property
    def record(self) -> ImageRecord:
        """Decoded record."""
        return ImageRecord.model_validate_json(self.json)

    def is_seen_by(self, owner: str | None) -> bool:
        """Tells whether a client may see the image. None sees all; an image without owner is everybody's."""
        return owner is None or self.owner is None or self.owner == owner


@dataclass(frozen=True)
class HistoryQuery:
    """Filters of a query; None means all."""

    page: int = 1
    page_size: int = 20
    text: str = ""
    model: str | None = None
    favourite: bool | None = None
    tag: str | None = None
    min_side_px: int | None = None
    max_side_px: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: Literal["newest", "oldest"] = "newest"
    after: str | None = None
    trash: bool = False
    owner: str | None = None
    made_from: str | None = None
    """An input, or the pixel hash of an image, that is the same where it was kept as one."""
    pixel_hash: str | None = None
    lora: str | None = None
    """Name of a LoRA that acts on the image."""
    door: Door | None = None

    @property
    def is_plain(self) -> bool:
        """Whether there is no filter: a page is a slice of the order."""
        return self == HistoryQuery(page=self.page, page_size=self.page_size, order=self.order)


@dataclass(frozen=True)
class Found:
    """Page of matches, their number in all, and the cursor of the next page."""

    records: list[ImageRecord]
    total: int
    next_cursor: str | None


def searchable(text: str) -> str:
    """Encodes a text for fast search without case, width and composition.

    The result is the text's UTF-8, a character for each byte. Python finds one-byte characters several times faster
    than Chinese ones. A match is always a match of whole characters.
    """
    return fold(text).encode().decode("latin-1")


class Word(NamedTuple):
    """What a query wants, or does not want, in a text or as a seed."""

    text: str
    """As `searchable` encodes it."""
    seed: int
    is_wanted: bool


_NO_SEED = -1
_SIGNS = str.maketrans({"、": ",", "“": '"', "”": '"', "„": '"'})
_PARTS = re.compile(r'(?P<minus>-?)"(?P<phrase>[^"]*)(?:"|$)|[^\s,]+')


def words_of(query: str) -> list[Word]:
    """Returns the words of a query; commas part them, too.

    What stands in quotes is one word, also before they are closed, and means no seed. A minus before a word says that
    it must not be there.
    """
    words = []
    for part in _PARTS.finditer(fold(query.translate(_SIGNS))):
        phrase = part["phrase"]
        if phrase is None:
            is_wanted = len(part[0]) == 1 or not part[0].startswith("-")
            text = part[0] if is_wanted else part[0][1:]
        else:
            is_wanted, text = not part["minus"], phrase.strip()
        if text:
            words.append(Word(searchable(text), _NO_SEED if phrase is not None else _seed_of(text), is_wanted))
    return words


_LORA_MARK = b'"loras":'
_INPUT_MARKS = (b'"init_image":', b'"control":', b'"references":')


def _seed_of(word: str) -> int:
    """Returns the seed that a word of a query may mean, as `4711` and `seed:4711` do; -1 without one."""
    digits = word.removeprefix("seed:")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_SEED)) else _NO_SEED


class Index:
    """Index of all images, oldest first. Not thread-safe."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}
        self._next = 0
        self._in_trash = 0
        self._models: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._entries) - self._in_trash

    @property
    def size(self) -> int:
        """Number of images, those in the trash included."""
        return len(self._entries)

    def __contains__(self, image_id: str) -> bool:
        return image_id in self._entries

    def get(self, image_id: str) -> Entry | None:
        """Returns an entry, or None."""
        return self._entries.get(image_id)

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Yields ids and entries, oldest first."""
        yield from self._entries.items()

    def put(self, line: Line) -> None:
        """Adds a record at the end, or replaces it in its place."""
        record, known = line.record, self._entries.get(line.record.id)
        if known is None:
            number, self._next = self._next, self._next + 1
        else:
            number = known.number
            self._in_trash -= known.deleted_at is not None
        self._in_trash += record.deleted_at is not None
        self._entries[record.id] = Entry(
            number=number,
            id=record.id,
            json=line.json,
            filename=record.filename,
            words=searchable("\n".join((record.prompt, *record.tags, *(use.name for use in record.loras or ())))),
            seed=record.seed,
            model=self._models.setdefault(record.model, record.model),  # one string for all
            longer_side_px=max(record.width, record.height),
            created_at=record.created_at.timestamp(),
            favourite=record.favourite,
            tags=record.tags,
            deleted_at=record.deleted_at.timestamp() if record.deleted_at else None,
            owner=record.owner,
        )

    def remove(self, image_id: str) -> None:
        """Removes a record."""
        self._in_trash -= self._entries.pop(image_id).deleted_at is not None

    def sort(self) -> None:
        """Orders the records by time, for those read from the images."""
        entries = sorted(self._entries.values(), key=lambda entry: entry.created_at)
        lines = [Line(entry.record, entry.json) for entry in entries]
        self._entries, self._next, self._in_trash = {}, 0, 0
        for line in lines:
            self.put(line)

    def newest(self, owner: str | None = None) -> ImageRecord | None:
        """Returns the last added image outside the trash that a client may see."""
        newest_first = reversed(self._entries.values())
        own = (entry for entry in newest_first if entry.deleted_at is None and entry.is_seen_by(owner))
        return next((entry.record for entry in own), None)

    def find_pixels(self, pixel_hash: str, owner: str | None = None) -> ImageRecord | None:
        """Returns the newest image with a hash. A linear search: it is too rare for a table."""
        mark = pixel_hash.encode()
        newest_first = reversed(self._entries.values())
        alike = (entry for entry in newest_first if mark in entry.json and entry.is_seen_by(owner))
        return next((record for entry in alike if (record := entry.record).pixel_hash == pixel_hash), None)

    def find(self, query: HistoryQuery) -> Found:
        """Returns a page of the images that match a query."""
        if query.is_plain and query.order == "newest":
            first = (query.page - 1) * query.page_size
            return self._found(self._live_slice(first, query.page_size), len(self), first)
        matches = self._matches(query)  # oldest first
        start = self._start(matches, query)
        if query.order == "newest":
            matches.reverse()
        first = start + (query.page - 1) * query.page_size
        return self._found(matches[first : first + query.page_size], len(matches), first)

    def _found(self, page: list[Entry], total: int, first: int) -> Found:
        more = bool(page) and first + len(page) < total
        cursor = f"{round(page[-1].created_at * 1e6)}-{page[-1].id}" if more else None
        return Found([entry.record for entry in page], total, cursor)

    def _live_slice(self, first: int, count: int) -> list[Entry]:
        newest_first = reversed(self._entries.values())
        live = (entry for entry in newest_first if entry.deleted_at is None) if self._in_trash else newest_first
        return list(itertools.islice(live, min(first, len(self)), min(first, len(self)) + count))

    def _matches(self, query: HistoryQuery) -> list[Entry]:
        """Returns what a query wants, oldest first, in passes over a list that grows shorter."""
        found = list(self._entries.values())
        words = words_of(query.text)
        for text, seed, _ in sorted((word for word in words if word.is_wanted), key=lambda word: -len(word.text)):
            found = [entry for entry in found if text in entry.words or entry.seed == seed]
        for text, seed, _ in (word for word in words if not word.is_wanted):
            found = [entry for entry in found if text not in entry.words and entry.seed != seed]
        found = self._shown(found, query)
        if query.model is not None:
            found = [entry for entry in found if entry.model == query.model]
        if query.favourite is not None:
            found = [entry for entry in found if entry.favourite is query.favourite]
        if query.tag is not None:
            tag = fold(query.tag)
            found = [entry for entry in found if any(fold(own) == tag for own in entry.tags)]
        if query.min_side_px is not None:
            found = [entry for entry in found if entry.longer_side_px >= query.min_side_px]
        if query.max_side_px is not None:
            found = [entry for entry in found if entry.longer_side_px <= query.max_side_px]
        return _between(_rarely_asked(found, query), query.since, query.until)

    def drawn_from_images(self) -> list[Entry]:
        """Returns what was drawn from other images."""
        return [entry for entry in self._entries.values() if any(mark in entry.json for mark in _INPUT_MARKS)]

    def _shown(self, found: list[Entry], query: HistoryQuery) -> list[Entry]:
        if self._in_trash or query.trash:
            found = [entry for entry in found if (entry.deleted_at is not None) is query.trash]
        if query.owner is not None:
            found = [entry for entry in found if entry.is_seen_by(query.owner)]
        return found

    def _start(self, matches: list[Entry], query: HistoryQuery) -> int:
        """Returns how many of the matches, in the order of the query, a cursor leaves behind."""
        if query.after is None:
            return 0
        moment, _, image_id = query.after.partition("-")
        last = self._entries.get(image_id)
        if last is not None:
            below = bisect_left(matches, last.number, key=lambda entry: entry.number)
            passed = below + (below < len(matches) and matches[below].id == image_id)
        else:  # it was deleted for good in the meantime
            below = passed = sum(entry.created_at * 1e6 < float(moment) for entry in matches)
        return len(matches) - below if query.order == "newest" else passed


def _has_lora(entry: Entry, name: str) -> bool:
    return any(fold(use.name) == name for use in entry.record.loras or ())


def _rarely_asked(found: list[Entry], query: HistoryQuery) -> list[Entry]:
    """Filters by what stands in the records alone; a mark in their JSON saves reading most of them."""
    if query.made_from is not None:
        mark = query.made_from.encode()
        found = [entry for entry in found if mark in entry.json and query.made_from in entry.record.origins]
    if query.pixel_hash is not None:
        mark = query.pixel_hash.encode()
        found = [entry for entry in found if mark in entry.json and entry.record.pixel_hash == query.pixel_hash]
    if query.lora is not None:
        name = fold(query.lora)
        found = [entry for entry in found if _LORA_MARK in entry.json and _has_lora(entry, name)]
    if query.door is not None:
        mark = f'"{query.door}"'.encode()
        found = [entry for entry in found if mark in entry.json and entry.record.door == query.door]
    return found


def _between(found: list[Entry], since: datetime | None, until: datetime | None) -> list[Entry]:
    if since is not None:
        first = since.timestamp()
        found = [entry for entry in found if entry.created_at >= first]
    if until is not None:
        last = until.timestamp()
        found = [entry for entry in found if entry.created_at < last]
    return found
