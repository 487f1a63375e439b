"""LoRAs that are sent here: written beside the others as they come, one of them only when whole and sound."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import threading
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from backend.services.errors import DiskFull
from backend.services.library.loras.architectures import PUBLISHED, Architecture
from backend.services.library.loras.catalogue import Lora, LoraCatalogue
from backend.services.library.loras.digests import Digest, Digester
from backend.services.library.loras.facts import check_values
from backend.services.library.loras.folders import SUFFIXES, LoraFile
from backend.services.library.variants.receipts import Receipts
from backend.services.lora_errors import LoraDamaged, NameTaken
from backend.utils.atomic_file import sync_directory
from backend.utils.ids import new_id
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)

PREFIX, PART_SUFFIX = ".upload-", ".part"
MAX_STEM_BYTES = 200
LENGTH_BYTES = 8
MAX_HEADER_BYTES = 100 * 2**20
PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x1f\x8b")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class Upload:
    """File that is being sent. Used by one thread at a time."""

    def __init__(self, home: Path, name: str, keep: Callable[[Upload], tuple[Lora, bool]]) -> None:
        """Opens a file.

        Raises:
            DiskFull: the disk refuses.
        """
        self.name = name
        self.path = home / f"{PREFIX}{new_id()}{PART_SUFFIX}"
        self.size_bytes = 0
        self._keep = keep
        self._digester = Digester()
        self._head: bytes | None = b""
        """The first bytes, until they were looked at."""
        try:
            home.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = self.path.open("xb")
        except OSError as error:
            raise DiskFull(f"The folder of LoRAs cannot be written: {error.strerror}.") from error

    def write(self, content: bytes) -> None:
        """Takes in the next piece.

        Raises:
            LoraDamaged: it is no safetensors file.
            DiskFull: the disk refuses.
        """
        if self._head is not None:
            self._head += content[:LENGTH_BYTES]
            if len(self._head) >= LENGTH_BYTES:
                refuse_other_formats(self._head)
                self._head = None
        self._digester.add(content)
        self.size_bytes += len(content)
        try:
            self._file.write(content)
        except OSError as error:
            raise DiskFull("The disk is full, so the LoRA was not kept.") from error

    def finish(self) -> tuple[Lora, bool]:
        """Makes it one of the LoRAs; returns it and whether it is new.

        Raises:
            LoraDamaged: it is no LoRA.
            NameTaken: another file has its stem, in whatever folder and case.
            DiskFull: the disk refuses.
        """
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        except OSError as error:
            raise DiskFull("The disk is full, so the LoRA was not kept.") from error
        return self._keep(self)

    def abort(self) -> None:
        """Removes what has come, unless it was kept."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)

    @property
    def digest(self) -> Digest:
        """Of what has come."""
        return self._digester.digest()


class LoraUploads:
    """Takes in LoRAs. Safe for several threads."""

    def __init__(
        self,
        catalogue: LoraCatalogue,
        home: Path,
        receipts: Receipts,
        free_bytes: Callable[[Path], int],
        *,
        max_bytes: int,
        min_free_disk_mb: int,
        architecture: Callable[[], Architecture] = lambda: PUBLISHED,
        check: Callable[[Path, Architecture], None] = check_values,
    ) -> None:
        """Keeps what uploads depend on.

        Args:
            catalogue: the LoRAs that there are.
            home: folder that they go to.
            receipts: what was sent here.
            free_bytes: returns the free space of a folder's disk.
            max_bytes: largest file that is taken.
            min_free_disk_mb: what is to stay free.
            architecture: returns what a LoRA may be for beside the published one.
            check: reads all values of a file that an architecture takes; raises LoraDamaged.
        """
        self._catalogue = catalogue
        self._home = home
        self._receipts = receipts
        self._free_bytes = free_bytes
        self._max_bytes = max_bytes
        self._min_free_bytes = min_free_disk_mb * 2**20
        self._architecture = architecture
        self._check = check
        self._keeping = threading.Lock()

    def open(self) -> None:
        """Removes what uploads have left that were cut off by the end of the program."""
        for leftover in self._home.glob(f"{PREFIX}*{PART_SUFFIX}"):
            with contextlib.suppress(OSError):
                leftover.unlink()

    def begin(self, filename: str, expected_bytes: int) -> Upload:
        """Begins to take in a file.

        Raises:
            LoraDamaged: its name is none of a safetensors file.
            DiskFull: there is no room for it.
        """
        name = clean_name(filename)
        upload = Upload(self._home, name, self._keep)
        try:
            free = self._free_bytes(self._home)
        except OSError:
            free = self._max_bytes + self._min_free_bytes
        if free < expected_bytes + self._min_free_bytes:
            upload.abort()
            raise DiskFull(
                f"The LoRA takes {expected_bytes / 2**20:,.0f} MiB, and {max(0, free) / 2**20:,.0f} are free where "
                f"{self._min_free_bytes / 2**20:,.0f} are to stay so."
            )
        return upload

    def _keep(self, upload: Upload) -> tuple[Lora, bool]:
        digest = upload.digest
        self._refuse_unusable(upload)
        with self._keeping:
            known = self._catalogue.find_digest(digest.sha256, upload.name, size_bytes=upload.size_bytes)
            if known is not None:
                upload.abort()
                return self._catalogue.at(known.path, self._architecture()), False
            target = self._home / upload.name
            other = self._catalogue.of_stem(upload.name)
            if other is not None:
                raise NameTaken(
                    f"There is another LoRA of this name, {as_utf_8(other.file.name)}: rename the file that you send."
                )
            if target.exists() or target.is_symlink():
                raise NameTaken(
                    f"There is another LoRA in a file {upload.name}: rename the file that you send, or delete that one."
                )
            try:
                upload.path.rename(target)
                with contextlib.suppress(OSError):
                    sync_directory(self._home)
                status = target.stat()
            except OSError as error:
                raise DiskFull(f"The LoRA cannot be kept: {error.strerror}.") from error
            self._catalogue.note_digest(target, digest, status.st_size, status.st_mtime_ns)
            self._receipts.add(target, digest.sha256)
        logger.info("the LoRA %s has come", upload.name)
        return self._catalogue.at(target, self._architecture()), True

    def _refuse_unusable(self, upload: Upload) -> None:
        """Raises for what no model of the family, published or in use here, can take."""
        file = LoraFile(str(upload.path), upload.name, 0, upload.size_bytes, 1, ())
        taken_by = PUBLISHED
        facts = self._catalogue.describe(file, PUBLISHED)
        if facts.problem is not None and (own := self._architecture()) != PUBLISHED:
            other = self._catalogue.describe(file, own)
            if other.problem is None:
                facts, taken_by = other, own
        if facts.problem is not None:
            raise LoraDamaged(facts.problem.replace(upload.path.name, upload.name))
        try:
            self._check(upload.path, taken_by)
        except LoraDamaged as error:
            raise LoraDamaged(str(error).replace(upload.path.name, upload.name)) from error


def clean_name(filename: str) -> str:
    """Returns a name that every system takes, without folders.

    Raises:
        LoraDamaged: it does not end as safetensors files do, or nothing of it is left.
    """
    base = unicodedata.normalize("NFC", filename).replace("\\", "/").rpartition("/")[2]
    plain = "".join(character for character in base if character.isprintable())
    stem, dot, suffix = _FORBIDDEN.sub("_", plain).strip().rpartition(".")
    if f"{dot}{suffix.lower()}" not in SUFFIXES:
        raise LoraDamaged("Only .safetensors files are taken: a LoRA of another format must be converted first.")
    stem = stem.strip(" .").encode()[:MAX_STEM_BYTES].decode("utf-8", "ignore").strip(" .")
    if not stem:
        raise LoraDamaged("The file has no name that can be used: rename it.")
    if _RESERVED.fullmatch(stem):
        stem = f"_{stem}"
    return f"{stem}.{suffix.lower()}"


def refuse_other_formats(head: bytes) -> None:
    """Raises when the first bytes of a file are not those of a safetensors file, whatever its name says.

    Raises:
        LoraDamaged: the message says what it is.
    """
    if head.startswith(PICKLES):
        raise LoraDamaged(
            "This is a pickled or packed file, which can run a program when it is opened: only safetensors."
        )
    if head.startswith(b"GGUF"):
        raise LoraDamaged("This is a GGUF file: a LoRA must be a safetensors file.")
    length = int.from_bytes(head[:LENGTH_BYTES], "little")
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise LoraDamaged(f"This is no safetensors file, or it is damaged: its header would have {length:,} bytes.")
