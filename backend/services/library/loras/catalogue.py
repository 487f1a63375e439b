"""LoRAs in the folders that are searched: listed by their headers, found by name or digest."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from backend.models.config import Settings
from backend.services.library.loras.architectures import PUBLISHED, Architecture
from backend.services.library.loras.beside import decode_thumbnail, preview_of, read_preview
from backend.services.library.loras.cache import LoraCache
from backend.services.library.loras.digests import Digest, read_digest
from backend.services.library.loras.facts import (
    Describe,
    LoraFacts,
    can_describe,
    describe_file,
    read_facts,
    read_thumbnail,
)
from backend.services.library.loras.folders import LoraFile, LoraFolder, find_files, find_folders
from backend.services.library.loras.names import find_called, find_named, find_of_stem, name_all
from backend.services.lora_errors import LoraDamaged, LoraNotFound
from backend.utils.texts import as_utf_8, is_plain
from backend.utils.torch_library import map_torch

logger = logging.getLogger(__name__)

READ_S = 0.5
"""How long a list reads headers that are new; what is left is read meanwhile, for the next one."""
MAX_SEARCHED_BYTES = 4 * 2**30
"""What is read at most to find a file by its digest."""
BAD_NAME = "The name of its file has control characters, or is not UTF-8; rename it."
MAX_MEANT = 3
UNREAD = LoraFacts()
FOR_PUBLISHED = "It is for Z-Image or Z-Image-Turbo, and this model has other shapes."


@dataclass(frozen=True)
class Lora:
    """LoRA on the disk.

    Attributes:
        name: what a request calls it.
        is_own: whether it lies where it can be deleted.
        facts: matched with one architecture.
        is_read: whether they are read already.
        digest: where it is known.
    """

    file: LoraFile
    name: str
    is_own: bool
    facts: LoraFacts = UNREAD
    is_read: bool = False
    digest: Digest | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return Path(self.file.path)

    @property
    def path_name(self) -> str:
        """Path below the folder that is searched."""
        return self.file.name

    @property
    def other_names(self) -> Iterator[str]:
        """What its file says that it is called."""
        yield from (name for name in (self.facts.words.output_name, self.facts.words.title) if name)

    @property
    def preview_version(self) -> str | None:
        """What tells a changed preview; None where there is none."""
        sidecar = preview_of(self.file)
        if sidecar is not None:
            return f"{sidecar.mtime_ns:x}-{sidecar.size_bytes:x}"
        return f"{self.file.mtime_ns:x}" if self.facts.words.has_thumbnail else None

    @property
    def problem(self) -> str | None:
        """Why it cannot be used."""
        return self.facts.problem if is_plain(self.name) else BAD_NAME


@dataclass(frozen=True)
class LoraContents:
    """What one look at the disk has found; `n_unread` headers are still to be read."""

    loras: tuple[Lora, ...]
    n_unread: int = 0


class LoraCatalogue:
    """LoRAs. Every call reads the names on the disk, and of its files what has changed. Safe for several threads."""

    def __init__(
        self,
        settings: Settings,
        describe: Describe = describe_file,
        can_describe: Callable[[], bool] = can_describe,
        find_own_folders: Callable[[Settings], Sequence[LoraFolder]] = find_folders,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._describe = describe
        self._can_describe = can_describe
        self._find_folders = find_own_folders
        self._monotonic = monotonic
        self._cache = LoraCache(settings.data_dir / "loras.json")
        self._reading = threading.Lock()
        self._digesting = threading.Lock()
        self._reader: threading.Thread | None = None
        self._ended = threading.Event()
        self._last: tuple[object, LoraContents] | None = None
        """What `look` has returned, with all that it depends on."""

    def folders(self) -> Sequence[LoraFolder]:
        """Returns the folders that are searched, those that cannot be with the reason."""
        return self._find_folders(self._settings)

    def look(self, architecture: Architecture = PUBLISHED) -> LoraContents:
        """Returns all LoRAs by name, matched with an architecture; does not wait for the headers of many new ones.

        As long as nothing changes on the disk, it is the same object.
        """
        folders = self.folders()
        files = find_files(folders)
        seen = (files, folders, architecture.key, self._cache.revision)
        last = self._last
        if last is not None and last[0] == seen:
            return last[1]
        until = self._monotonic() + READ_S if self._can_describe() else -math.inf
        found = [self._read(lora, architecture, until) for lora in self._name(files, folders)]
        unread = [lora for lora in found if not lora.is_read]
        contents = LoraContents(tuple(sorted(found, key=lambda lora: lora.name.casefold())), len(unread))
        if unread:
            self._read_on(unread, architecture)
        else:
            self._cache.save()
            self._last = (files, folders, architecture.key, self._cache.revision), contents
        return contents

    def read_all(self, architecture: Architecture) -> list[Lora]:
        """Returns all LoRAs, however long their headers take to read."""
        return [self._read(lora, architecture) for lora in self._named()]

    def find(self, name: str, architecture: Architecture = PUBLISHED) -> list[Lora]:
        """Returns the LoRAs that a name means: none, one, or several that nothing tells apart."""
        loras = self._named()
        found = find_named(loras, name)
        if found:
            return [self._read(lora, architecture) for lora in found]
        read = self.read_all(architecture)  # only their headers tell what else they are called
        self._cache.save()
        return find_called(read, name)

    def find_digest(
        self, beginning: str, name: str, architecture: Architecture = PUBLISHED, size_bytes: int | None = None
    ) -> Lora | None:
        """Returns the LoRA with a digest, whatever it is called now.

        Args:
            beginning: of the SHA-256 of the file or of its values.
            name: that it had; a file of the same name is looked at first.
            architecture: that it is matched with.
            size_bytes: of the file, where that is known.
        """
        loras = self._named()
        for lora in loras:
            if lora.digest is not None and lora.digest.begins_with(beginning):
                return self._read(lora, architecture)
        left = MAX_SEARCHED_BYTES
        for lora in self._candidates(loras, beginning, name, size_bytes):
            left -= lora.file.size_bytes
            digest = self._try_to_digest(lora) if left >= 0 else None
            if digest is not None and digest.begins_with(beginning):
                return self._read(lora, architecture)
        return None

    def digest_of(self, lora: Lora) -> Digest:
        """Returns the digest of a file; reads all of it once.

        Raises:
            LoraDamaged: it cannot be read.
        """
        known = self._cache.digest_of(lora.file)
        if known is not None:
            return known
        with self._digesting:  # one at a time: the disk is not faster for several
            known = self._cache.digest_of(lora.file)
            if known is not None:
                return known
            try:
                digest = read_digest(lora.path)
            except (OSError, ValueError) as error:
                raise LoraDamaged(f"{lora.file.name} cannot be read.") from error
            self.note_digest(lora.path, digest, lora.file.size_bytes, lora.file.mtime_ns)
        self._cache.save()
        return digest

    def note_digest(self, path: Path, digest: Digest, size_bytes: int, mtime_ns: int) -> None:
        """Keeps a digest that was computed elsewhere."""
        self._cache.put_digest(str(path), size_bytes, mtime_ns, digest)

    def describe(self, file: LoraFile, architecture: Architecture) -> LoraFacts:
        """Reads the header of a file, which need not be one of the LoRAs yet."""
        facts = read_facts(file, architecture, self._describe)
        if facts.matched and facts.problem is not None and architecture != PUBLISHED:
            published = read_facts(file, PUBLISHED, self._describe)
            if published.problem is None:
                return replace(facts, problem=FOR_PUBLISHED)
        return facts

    def at(self, path: Path, architecture: Architecture) -> Lora:
        """Returns the LoRA in a file, matched with an architecture.

        Raises:
            LoraNotFound: there is none.
        """
        found = next((lora for lora in self._named() if lora.path == path), None)
        if found is None:
            raise LoraNotFound("The LoRA has been removed meanwhile.")
        return self._read(found, architecture)

    def get(self, name: str) -> Lora:
        """Returns the LoRA of exactly this name.

        Raises:
            LoraNotFound: there is none.
        """
        loras = self._named()
        found = next((lora for lora in loras if lora.name == name), None)
        if found is None:
            meant = [repr(lora.name) for lora in find_named(loras, name)[:MAX_MEANT] if is_plain(lora.name)]
            hint = f": what is here is {' or '.join(meant)}" if meant else ""
            raise LoraNotFound(f"There is no LoRA of exactly this name{hint}.")
        return self._read(found, PUBLISHED)

    def heir_of(self, lora: Lora) -> Lora | None:
        """Returns what would have the name of a LoRA after its deletion: a file of the same path in another folder."""
        left = [other.file for other in self._named() if other.path != lora.path]
        return next((other for other in self._name(left, self.folders()) if other.name == lora.name), None)

    def of_stem(self, filename: str) -> Lora | None:
        """Returns a LoRA with the stem of a file, in whatever folder and case."""
        return find_of_stem(self._named(), filename)

    def preview(self, name: str) -> bytes:
        """Returns the preview of a LoRA, as WebP.

        Raises:
            LoraNotFound: there is no such LoRA, or no preview of it.
        """
        lora = self.get(name)
        content = read_preview(lora.file)
        if content is None and lora.facts.words.has_thumbnail:
            content = decode_thumbnail(read_thumbnail(lora.path))
        if content is None:
            raise LoraNotFound("There is no preview of this LoRA, or none that can be read.")
        return content

    def names(self) -> list[str]:
        """Returns the names of all."""
        return [lora.name for lora in self._named() if is_plain(lora.name)]

    def close(self) -> bool:
        """Ends the reading, and writes what was read; returns True."""
        self._ended.set()
        reader = self._reader
        if reader is not None:
            reader.join()
        self._cache.save()
        return True

    def _named(self) -> list[Lora]:
        """Returns all, with what is known of their digests only."""
        folders = self.folders()
        return self._name(find_files(folders), folders)

    def _name(self, files: Sequence[LoraFile], folders: Sequence[LoraFolder]) -> list[Lora]:
        names = name_all([as_utf_8(file.name) for file in files])
        return [
            Lora(file, name, folders[file.folder].is_own, digest=self._cache.digest_of(file))
            for file, name in zip(files, names, strict=True)
        ]

    def _read(self, lora: Lora, architecture: Architecture, until: float | None = None) -> Lora:
        """Adds the facts of a file; those that are not known yet only until a moment."""
        facts = self._cache.facts_of(lora.file, architecture.key)
        if facts is None:
            if until is not None and self._monotonic() >= until:
                return lora
            facts = self.describe(lora.file, architecture)
            self._cache.put_facts(lora.file, architecture.key, facts)
        return Lora(lora.file, lora.name, lora.is_own, facts, is_read=True, digest=lora.digest)

    def _read_on(self, loras: Sequence[Lora], architecture: Architecture) -> None:
        """Reads further headers on a thread of its own, unless one does already."""

        def read() -> None:
            if not self._can_describe():
                map_torch()
            for lora in loras:
                if self._ended.is_set():
                    break
                self._read(lora, architecture)
            self._cache.save()

        with self._reading:
            if self._reader is None or not self._reader.is_alive():
                self._reader = threading.Thread(target=read, name="loras", daemon=True)
                self._reader.start()

    def _candidates(self, loras: Sequence[Lora], beginning: str, name: str, size_bytes: int | None) -> list[Lora]:
        """Returns what may have a digest, the likeliest first; only those of its size where that is known."""
        seen = self._cache.seen_as(beginning)
        states = {(known.size_bytes, known.mtime_ns) for known in seen}
        sizes = {known.size_bytes for known in seen} if size_bytes is None else {size_bytes}
        named = {lora.file.path for lora in find_named(loras, name)}
        unknown = [lora for lora in loras if lora.digest is None and (not sizes or lora.file.size_bytes in sizes)]
        return sorted(
            unknown,
            key=lambda lora: (
                (lora.file.size_bytes, lora.file.mtime_ns) not in states,
                lora.file.path not in named,
                lora.file.size_bytes,
            ),
        )

    def _try_to_digest(self, lora: Lora) -> Digest | None:
        try:
            return self.digest_of(lora)
        except LoraDamaged as error:
            logger.warning("%s", error)
            return None
