"""What was read of LoRAs, kept over restarts: facts until a file or one beside it changes, digests until it does."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from backend import __version__
from backend.services.library.loras.digests import Digest
from backend.services.library.loras.facts import LoraFacts
from backend.services.library.loras.folders import LoraFile, Sidecar
from backend.utils.atomic_file import write_atomically
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)

VERSION = f"2 {__version__}"
"""Of what is kept; another one, as of a newer program that reads more, is read anew."""
MAX_KEPT = 20_000

Signature = tuple[int, int, tuple[Sidecar, ...]]


class KnownDigest(NamedTuple):
    """Digest of a file of this size and time of change."""

    size_bytes: int
    mtime_ns: int
    digest: Digest


Known = dict[str, tuple[Signature, dict[str, LoraFacts]]]
"""Facts by path and architecture, with the signature of the file that they were read of."""


class LoraCache:
    """Facts and digests by path. Safe for several threads."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._facts: Known | None = None
        self._digests: dict[str, KnownDigest] = {}
        self._is_changed = False
        self.revision = 0
        """Grows with every change."""

    def facts_of(self, file: LoraFile, architecture: str) -> LoraFacts | None:
        """Returns what was read of a file as it is now."""
        known = self._read().get(file.path)
        return known[1].get(architecture) if known is not None and known[0] == file.signature else None

    def put_facts(self, file: LoraFile, architecture: str, facts: LoraFacts) -> None:
        """Keeps what was read of a file."""
        kept = self._read()
        with self._lock:
            known = kept.get(file.path)
            others = known[1] if known is not None and known[0] == file.signature else {}
            kept[file.path] = file.signature, {**others, architecture: facts}
            self._changed()

    def digest_of(self, file: LoraFile) -> Digest | None:
        """Returns the digest of a file as it is now, if it is known."""
        self._read()
        known = self._digests.get(file.path)
        return known.digest if known is not None and known[:2] == (file.size_bytes, file.mtime_ns) else None

    def put_digest(self, path: str, size_bytes: int, mtime_ns: int, digest: Digest) -> None:
        """Keeps the digest of a file."""
        self._read()
        with self._lock:
            self._digests[path] = KnownDigest(size_bytes, mtime_ns, digest)
            self._changed()

    def seen_as(self, beginning: str) -> list[KnownDigest]:
        """Returns what files with a digest of this beginning were like, whether or not they are still there."""
        self._read()
        with self._lock:
            return [known for known in self._digests.values() if known.digest.begins_with(beginning)]

    def save(self) -> None:
        """Writes what has changed; a disk that refuses costs the time to read it again only."""
        with self._lock:
            if not self._is_changed or self._facts is None:
                return
            self._is_changed = False
            facts = [[path, *known] for path, known in self._facts.items() if as_utf_8(path) == path]
            digests = [[path, *known] for path, known in self._digests.items() if as_utf_8(path) == path]
            content = {"version": VERSION, "facts": facts[-MAX_KEPT:], "digests": digests[-MAX_KEPT:]}
        try:
            text = orjson.dumps(content, default=list)  # of named tuples
            write_atomically(self._path, lambda file: file.write(text))
        except OSError as error:
            logger.warning("what was read of the LoRAs is not kept: %s", error)

    def _changed(self) -> None:
        self._is_changed = True
        self.revision += 1

    def _read(self) -> Known:
        with self._lock:
            if self._facts is None:
                self._facts, self._digests = _load(self._path)
            return self._facts


def _load(path: Path) -> tuple[Known, dict[str, KnownDigest]]:
    try:
        content = orjson.loads(path.read_bytes())
        if content["version"] != VERSION:
            return {}, _digests(content)
        facts = {
            str(name): (_signature(signature), {key: LoraFacts.from_json(one) for key, one in known.items()})
            for name, signature, known in content["facts"]
        }
        return facts, _digests(content)
    except FileNotFoundError:
        return {}, {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        logger.warning("%s cannot be read, so all LoRAs are read anew: %s", path.name, error)
        return {}, {}


def _signature(values: Any) -> Signature:
    size_bytes, mtime_ns, sidecars = values
    return int(size_bytes), int(mtime_ns), tuple(Sidecar(*one) for one in sidecars)


def _digests(content: Any) -> dict[str, KnownDigest]:
    return {
        str(name): KnownDigest(int(size_bytes), int(mtime_ns), Digest(*map(str, digest)))
        for name, size_bytes, mtime_ns, digest in content["digests"]
    }
