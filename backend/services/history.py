"""The pictures and what is known of them: a JSON file that can be rebuilt from the pictures alone.

Order of writing: picture on disk → record in the file. Order of deleting: picture renamed → record gone → picture gone.
Whatever is cut off in between is put right at the next start.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path

import orjson
from PIL import Image
from pydantic import ValidationError

from backend.models.schemas import ImageRecord
from backend.services.errors import DiskFull, NewerFormat, UnknownImage
from backend.services.generator import GeneratedImage
from backend.services.metadata import embed, extract
from backend.utils.atomic_file import (
    TEMPORARY_PREFIX,
    remove_temporary_files,
    set_aside,
    sync_directory,
    write_atomically,
)
from backend.utils.clock import utc_now
from backend.utils.ids import new_id
from backend.utils.png import write_png

logger = logging.getLogger(__name__)

SCHEMA_VERSION = 1
THUMBNAIL_SIDE_PX = 384
_DELETED_SUFFIX = ".deleted"
_DISK_IS_FULL = "There is no room on the disk for another picture; free some space and try again."


class HistoryStore:
    """Every picture of a data folder, oldest first in memory and file. Safe to use from several threads."""

    def __init__(
        self,
        images_dir: Path,
        history_file: Path,
        *,
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._images_dir = images_dir
        self._thumbnails_dir = history_file.parent / "thumbnails"
        self._file = history_file
        self._now = now
        self._make_id = make_id
        self._lock = threading.Lock()
        self._records: dict[str, ImageRecord] = {}
        self._lines: dict[str, bytes] = {}

    def open(self) -> None:
        """Reads the history, rebuilds it when it is lost or damaged, and finishes what a crash left half done.

        Raises:
            NewerFormat: a newer version of this program wrote it; nothing was touched.
        """
        for folder in (self._images_dir, self._thumbnails_dir, self._file.parent):
            folder.mkdir(parents=True, exist_ok=True)
            remove_temporary_files(folder)
        records = self._read()
        lost = records is None
        for record in records or []:
            self._remember(record)
        if self._reconcile() or lost:
            self._write()
        logger.info("history: %d pictures", len(self._records))

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self._records)

    def page(self, page: int, page_size: int) -> tuple[list[ImageRecord], int]:
        """Returns one page, newest first and counted from 1, and the number of all pictures."""
        with self._lock:
            ids = list(self._records)
            first = len(ids) - (page - 1) * page_size
            newest_first = ids[max(0, first - page_size) : max(0, first)][::-1]
            return [self._records[image_id] for image_id in newest_first], len(ids)

    def latest(self) -> ImageRecord:
        """Returns the newest picture.

        Raises:
            UnknownImage: there is none yet.
        """
        with self._lock:
            if not self._records:
                raise UnknownImage("No picture has been generated yet.")
            return self._records[next(reversed(self._records))]

    def get(self, image_id: str) -> ImageRecord:
        """Returns a picture's record.

        Raises:
            UnknownImage: there is no such picture.
        """
        record = self._records.get(image_id)
        if record is None:
            raise UnknownImage("There is no picture with this id; it may have been deleted.")
        return record

    def image_path(self, image_id: str) -> Path:
        """Returns where a picture's PNG is.

        Raises:
            UnknownImage: there is no such picture, or its file is gone.
        """
        path = self._images_dir / self.get(image_id).filename
        if not path.is_file():
            raise UnknownImage("The file of this picture is missing from the images folder.")
        return path

    def thumbnail_path(self, image_id: str) -> Path:
        """Returns where a picture's WebP thumbnail is; makes it when it is missing.

        Raises:
            UnknownImage: there is no such picture, or its file is gone or damaged.
        """
        path = self._thumbnails_dir / f"{self.get(image_id).id}.webp"
        if not path.is_file():
            try:
                with Image.open(self.image_path(image_id), formats=["PNG"]) as image:
                    self._write_thumbnail(image, path)
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise UnknownImage("The file of this picture is damaged.") from error
        return path

    def add(self, generated: GeneratedImage) -> ImageRecord:
        """Saves a picture with its metadata, then its record; returns when both are on the disk.

        Raises:
            DiskFull: there is no room; nothing is left behind.
        """
        image_id, created_at = self._make_id(), self._now()
        record = ImageRecord(
            id=image_id,
            filename=f"zimage-{created_at:%Y%m%d-%H%M%S}-{image_id[:8]}.png",
            prompt=generated.prompt,
            width=generated.image.width,
            height=generated.image.height,
            num_inference_steps=generated.num_inference_steps,
            use_gpu=generated.use_gpu,
            size_bytes=0,
            created_at=created_at,
            generation_time_ms=generated.generation_time_ms,
            model=generated.model,
            seed=generated.seed,
            device=generated.device,
            guidance_scale=generated.guidance_scale,
        )
        path = self._images_dir / record.filename
        try:
            size_bytes = write_atomically(path, lambda file: write_png(generated.image, file, embed(record)))
        except OSError as error:
            path.unlink(missing_ok=True)  # the folder's sync may fail when the name is there already
            raise DiskFull(_DISK_IS_FULL) from error
        record = record.model_copy(update={"size_bytes": size_bytes})
        try:
            self._record(record)
        except OSError as error:
            path.unlink(missing_ok=True)
            raise DiskFull(_DISK_IS_FULL) from error
        self._try_thumbnail(generated.image, record)
        return record

    def delete(self, image_id: str) -> None:
        """Deletes a picture and its record.

        Raises:
            UnknownImage: there is no such picture.
            DiskFull: the history cannot be written; the picture stays.
        """
        with self._lock:
            path = self._images_dir / self.get(image_id).filename
            doomed = path.with_name(path.name + _DELETED_SUFFIX)
            try:
                if path.exists():
                    path.replace(doomed)
                    sync_directory(self._images_dir)
                self._write(without=image_id)
            except OSError as error:
                if doomed.exists():
                    doomed.replace(path)
                raise DiskFull("The history cannot be written, so the picture was not deleted.") from error
            self._forget(image_id)
        with contextlib.suppress(OSError):  # what stays is removed at the next start
            doomed.unlink(missing_ok=True)
            (self._thumbnails_dir / f"{image_id}.webp").unlink(missing_ok=True)

    # -- the file ------------------------------------------------------------------------------------------------

    def _record(self, record: ImageRecord) -> None:
        with self._lock:
            self._remember(record)
            try:
                self._write()
            except OSError:
                self._forget(record.id)
                raise

    def _remember(self, record: ImageRecord) -> None:
        self._records[record.id] = record
        self._lines[record.id] = orjson.dumps(record.model_dump(mode="json"))

    def _forget(self, image_id: str) -> None:
        del self._records[image_id], self._lines[image_id]

    def _write(self, without: str | None = None) -> None:
        """Writes one record a line: a person can read, search and repair it with a text editor."""
        lines = b",\n".join(line for image_id, line in self._lines.items() if image_id != without)
        content = b'{"version": %d, "images": [\n%s\n]}\n' % (SCHEMA_VERSION, lines)
        write_atomically(self._file, lambda file: file.write(content))

    def _read(self) -> list[ImageRecord] | None:
        """Returns the file's records, or None when it is missing or damaged, the damaged one set aside."""
        try:
            content = orjson.loads(self._file.read_bytes())
            if content["version"] > SCHEMA_VERSION:
                raise NewerFormat(
                    f"{self._file.name} was written by a newer version of this program (format {content['version']}, "
                    f"this one reads {SCHEMA_VERSION}). Update the program; nothing was changed."
                )
            return [ImageRecord.model_validate(entry) for entry in content["images"]]
        except FileNotFoundError:
            return None
        except (orjson.JSONDecodeError, KeyError, TypeError, ValidationError) as error:
            aside = set_aside(self._file)
            logger.error(
                "%s is damaged (%s): kept as %s, rebuilding from the pictures",
                self._file.name, type(error).__name__, aside.name,
            )  # fmt: skip
            return None

    # -- putting right ---------------------------------------------------------------------------------------------

    def _reconcile(self) -> bool:
        """Makes records and files agree; returns whether a record changed."""
        names = {entry.name for entry in os.scandir(self._images_dir)}
        changed = self._finish_deletes(names)
        missing = [record.id for record in self._records.values() if record.filename not in names]
        for image_id in missing:
            logger.warning("the file of picture %s is gone: dropped from the history", image_id)
            self._forget(image_id)
        known = {record.filename for record in self._records.values()}
        found = sorted(self._read_pictures(names - known), key=lambda record: (record.created_at, record.id))
        for record in found:
            self._remember(record)
        if found:
            logger.warning("%d pictures were not in the history: added from their own metadata", len(found))
            self._sort()
        return changed or bool(missing or found)

    def _finish_deletes(self, names: set[str]) -> bool:
        doomed = {name for name in names if name.endswith(_DELETED_SUFFIX)}
        filenames = {name.removesuffix(_DELETED_SUFFIX) for name in doomed}
        gone = [record.id for record in self._records.values() if record.filename in filenames]
        for image_id in gone:
            self._forget(image_id)
        if gone:
            self._write()
        for name in doomed:
            (self._images_dir / name).unlink(missing_ok=True)
        return bool(gone)

    def _read_pictures(self, names: set[str]) -> Iterator[ImageRecord]:
        for name in names:
            if not name.endswith(".png"):
                continue
            try:
                record = extract(self._images_dir / name)
            except (OSError, ValueError) as error:
                logger.warning("%s is skipped: %s", json.dumps(name), error)
                continue
            if record.id not in self._records:
                yield record

    def _sort(self) -> None:
        ids = sorted(self._records, key=lambda image_id: self._records[image_id].created_at)
        self._records = {image_id: self._records[image_id] for image_id in ids}
        self._lines = {image_id: self._lines[image_id] for image_id in ids}

    # -- thumbnails --------------------------------------------------------------------------------------------------

    def _try_thumbnail(self, image: Image.Image, record: ImageRecord) -> None:
        try:
            self._write_thumbnail(image, self._thumbnails_dir / f"{record.id}.webp")
        except OSError as error:  # it is made again when it is asked for
            logger.warning("no thumbnail for %s: %s", record.id, error)

    def _write_thumbnail(self, image: Image.Image, path: Path) -> None:
        small = image.convert("RGB")
        small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
        buffer = BytesIO()
        small.save(buffer, format="WEBP", quality=80, method=2)
        temporary = path.with_name(f"{TEMPORARY_PREFIX}{new_id()}")  # not synced: it can be made again
        temporary.write_bytes(buffer.getbuffer())
        temporary.replace(path)
