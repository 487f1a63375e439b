"""Store of the images and their records; the records can be rebuilt from the images.

Order of writing: image, then record. Order of deleting: image renamed, record removed, image removed. The next start
repairs what was interrupted. Moving to the trash only marks the record. Images are deleted from there by hand, or after
the days of the settings.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from PIL import Image

from backend.models.gallery import ThumbnailWidth
from backend.models.schemas import Door, ImageRecord
from backend.services.errors import DiskFull, NotInTrash, UnknownImage
from backend.services.generation.events import Drawn
from backend.services.images.folders import prepare_folder
from backend.services.images.history_file import HistoryFile, Line, line_of, no_garbage_collection
from backend.services.images.index import Entry, Found, HistoryQuery, Index
from backend.services.images.metadata.own import embed
from backend.services.images.records import describe_drawn
from backend.services.images.repair import DELETED_SUFFIX, Dropped, find_strays, finish_deletes, with_own_facts
from backend.services.images.thumbnails import Thumbnails
from backend.utils.atomic_file import remove_temporary_files, sync_directory, write_atomically
from backend.utils.clock import utc_now
from backend.utils.ids import new_id
from backend.utils.png import write_png
from backend.utils.record_file import Changes

logger = logging.getLogger(__name__)

Change = Callable[[ImageRecord], ImageRecord]


class HistoryStore:
    """Images of a data folder. Thread-safe."""

    def __init__(
        self,
        images_dir: Path,
        history_file: Path,
        *,
        trash_days: float = 30.0,
        owners: Container[str] = (),
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._images_dir = images_dir
        self._folder = history_file.parent
        self._file = HistoryFile(history_file)
        self._dropped = Dropped(history_file.with_name(f"{history_file.stem}.dropped.json"))
        self._thumbnails = Thumbnails(self._folder / "thumbnails")
        self._folders = (self._folder, images_dir, self._thumbnails.folder)
        self._owners = owners
        self._trash_age = timedelta(days=trash_days)
        self._now = now
        self._make_id = make_id
        self._writing = threading.Lock()
        """Held while the disk is changed."""
        self._reading = threading.Lock()
        """Held briefly, around every access to the index."""
        self._index = Index()

    def open(self) -> None:
        """Reads the history; rebuilds a lost or damaged one; finishes what a crash interrupted.

        Raises:
            NewerFormat: A newer version of this program wrote it; nothing was touched.
        """
        for folder in self._folders:
            folder.mkdir(parents=True, exist_ok=True)
            remove_temporary_files(folder)
        with no_garbage_collection():
            self._load()
        logger.info("history: %d pictures", len(self._index))

    def prepare(self) -> None:
        """Makes sure that an image can be kept: makes folders again that somebody has removed.

        Raises:
            DiskFull: One cannot be made or written; nothing that is drawn could be kept.
        """
        for folder in self._folders:
            prepare_folder(folder)

    def _load(self) -> None:
        content = self._file.read()
        self._index = Index()
        facts = {line.record.id: line.record for line in content.lines} if content.lost else {}
        for line in [] if content.lost else content.lines:
            self._index.put(line)
        if self._reconcile(facts) or content.lost or content.outdated:
            try:
                self._file.write(self._lines())
                self._dropped.forget({image_id for image_id, _ in self._index.items()})
            except OSError as error:  # all of it can be found out again; the next change tries again
                logger.error("the history could not be written: %s", error)

    def close(self) -> None:
        """Merges the log into the file. The history can still be read."""
        with self._writing:
            if self._file.has_log:
                try:
                    self._file.write(self._lines())
                except OSError as error:  # the log has everything
                    logger.warning("the history could not be written: %s", error)

    def __len__(self) -> int:
        """Number of images outside the trash."""
        return len(self._index)

    def find(self, query: HistoryQuery) -> Found:
        """Returns a page of the images that match a query."""
        with self._reading:
            return self._index.find(query)

    def latest(self, owner: str | None = None) -> ImageRecord:
        """Returns the newest image that a client may see.

        Raises:
            UnknownImage: There is none yet.
        """
        with self._reading:
            record = self._index.newest(owner)
        if record is None:
            raise UnknownImage("No picture has been generated yet.")
        return record

    def get(self, image_id: str) -> ImageRecord:
        """Returns an image's record.

        Raises:
            UnknownImage: There is no such image.
        """
        return self._entry(image_id).record

    def has(self, image_id: str) -> bool:
        """Tells whether there is such an image, in the trash or not."""
        return image_id in self._index

    def keeps(self, image_id: str) -> bool:
        """Tells whether there is such an image, and not in the trash."""
        return self.has(image_id) and self.get(image_id).deleted_at is None

    def own(self, image_ids: Iterable[str], owner: str | None) -> list[str]:
        """Returns the ids that exist and that a client may see, each once."""
        entries = ((image_id, self._index.get(image_id)) for image_id in dict.fromkeys(image_ids))
        return [image_id for image_id, entry in entries if entry is not None and entry.is_seen_by(owner)]

    def find_pixels(self, pixel_hash: str, owner: str | None = None) -> ImageRecord | None:
        """Returns an image with the same pixels that a client may see, in the trash or not."""
        with self._reading:
            return self._index.find_pixels(pixel_hash, owner)

    def inputs_in_use(self) -> set[str]:
        """Returns the ids of all inputs that an image comes from, one in the trash or with a lost file included."""
        with self._reading:
            entries = self._index.drawn_from_images()
        records = itertools.chain((entry.record for entry in entries), self._dropped.facts().values())
        return {input_id for record in records for input_id in record.origins}

    def image_path(self, image_id: str) -> Path:
        """Returns the path of an image's PNG.

        Raises:
            UnknownImage: There is no such image, or its file is missing.
        """
        path = self._images_dir / self._entry(image_id).filename
        if not path.is_file():
            raise UnknownImage("The file of this picture is missing from the images folder.")
        return path

    def thumbnail(self, image_id: str, width: ThumbnailWidth | None = None) -> Path | bytes:
        """Returns the path of an image's WebP thumbnail, made when missing. On a full disk returns its bytes.

        Raises:
            UnknownImage: There is no such image, or its file is missing or damaged.
        """
        return self._thumbnails.get(image_id, self.image_path(image_id), width)

    def add(self, drawn: Drawn, client: str | None = None, door: Door | None = None) -> ImageRecord:
        """Saves an image with its metadata, then its record; returns when both are on the disk.

        It belongs to the client, if that is an owner.

        Raises:
            DiskFull: There is no room; nothing is left behind.
        """
        record = describe_drawn(drawn, self._make_id(), self._now(), door)
        if client in self._owners:
            record = record.model_copy(update={"owner": client})
        return self.keep(record, drawn.image)

    def keep(self, record: ImageRecord, image: Image.Image) -> ImageRecord:
        """Saves an image with a new record; returns the record with the file's size.

        Raises:
            DiskFull: There is no room; nothing is left behind.
        """
        path = self._images_dir / record.filename
        try:
            size_bytes = write_atomically(path, lambda file: write_png(image, file, embed(record)))
        except OSError as error:
            path.unlink(missing_ok=True)  # the folder's sync may fail when the name is there already
            raise DiskFull(_why_not_saved(error)) from error
        record = record.model_copy(update={"size_bytes": size_bytes})
        try:
            self._put([record])
        except OSError as error:
            path.unlink(missing_ok=True)
            raise DiskFull(_why_not_saved(error)) from error
        self._thumbnails.try_to_make(record.id, image)
        return record

    def change(self, image_ids: Sequence[str], change: Change) -> list[ImageRecord]:
        """Changes the records that exist, all or none; returns them.

        Raises:
            DiskFull: The history cannot be written; nothing has changed.
        """
        with self._writing:
            entries = [entry for image_id in image_ids if (entry := self._index.get(image_id)) is not None]
            records = [change(entry.record) for entry in entries]
            try:
                self._put_locked(records)
            except OSError as error:
                raise DiskFull("The history cannot be written, so nothing was changed.") from error
        return records

    def trash(self, image_ids: Sequence[str]) -> list[ImageRecord]:
        """Moves images to the trash; their files stay where they are."""
        moment = self._now()
        return self.change(
            image_ids, lambda record: record.model_copy(update={"deleted_at": record.deleted_at or moment})
        )

    def restore(self, image_ids: Sequence[str]) -> list[ImageRecord]:
        """Restores images from the trash."""
        return self.change(image_ids, lambda record: record.model_copy(update={"deleted_at": None}))

    def delete(self, image_id: str) -> None:
        """Deletes an image for good: file, thumbnail and record.

        Raises:
            UnknownImage: There is no such image.
            NotInTrash: It is not in the trash.
            DiskFull: The history cannot be written; the image stays.
        """
        with self._writing:  # a restore that comes in between would bring back what is destroyed then
            if self._entry(image_id).deleted_at is None:
                raise NotInTrash("Only a picture in the trash can be deleted for good; delete it first.")
            doomed = self._take_away([image_id])
        self._destroy(doomed)

    def purge(self) -> int:
        """Deletes the images whose days in the trash are over; returns their number.

        Raises:
            DiskFull: The history cannot be written; all of them stay.
        """
        with self._writing:
            limit = (self._now() - self._trash_age).timestamp()
            expired = [
                image_id
                for image_id, entry in self._index.items()
                if entry.deleted_at is not None and entry.deleted_at < limit
            ]
            doomed = self._take_away(expired)
        self._destroy(doomed)
        return len(expired)

    def _take_away(self, image_ids: Sequence[str]) -> dict[str, Path]:
        """Renames files and removes their records, all or none; returns what is to be destroyed. Needs the lock."""
        paths = {image_id: self._images_dir / self._entry(image_id).filename for image_id in image_ids}
        doomed = {image_id: path.with_name(path.name + DELETED_SUFFIX) for image_id, path in paths.items()}
        try:
            there = [image_id for image_id, path in paths.items() if path.exists()]
            for image_id in there:
                paths[image_id].replace(doomed[image_id])
            if there:
                sync_directory(self._images_dir)
            self._save(dict.fromkeys(image_ids))
        except OSError as error:
            for image_id, path in doomed.items():
                if path.exists():
                    path.replace(paths[image_id])
            raise DiskFull("The history cannot be written, so nothing was deleted.") from error
        with self._reading:
            for image_id in image_ids:
                self._index.remove(image_id)
        return doomed

    def _destroy(self, doomed: dict[str, Path]) -> None:
        for image_id, path in doomed.items():
            try:
                path.unlink(missing_ok=True)
            except OSError as error:  # what stays is removed at the next start
                logger.warning("%s could not be removed: %s", path.name, error)
            self._thumbnails.remove(image_id)

    # -- records -----------------------------------------------------------------------------------------------------

    def _entry(self, image_id: str) -> Entry:
        entry = self._index.get(image_id)
        if entry is None:
            raise UnknownImage
        return entry

    def _put(self, records: Sequence[ImageRecord]) -> None:
        with self._writing:
            self._put_locked(records)

    def _put_locked(self, records: Sequence[ImageRecord]) -> None:
        lines = [line_of(record) for record in records]
        self._save({line.record.id: line.json for line in lines})
        with self._reading:
            for line in lines:
                self._index.put(line)

    def _save(self, changes: Changes) -> None:
        if changes:
            size = self._index.size + sum(image_id not in self._index for image_id in changes)
            self._file.save(changes, size, lambda: self._lines(changes))

    def _lines(self, changes: Changes | None = None) -> Iterator[bytes]:
        """Yields every record's JSON as it is after some changes; only a thread that writes may ask."""
        after = {**{image_id: entry.json for image_id, entry in self._index.items()}, **(changes or {})}
        return (line for line in after.values() if line is not None)

    # -- putting right -----------------------------------------------------------------------------------------------

    def _reconcile(self, facts: dict[str, ImageRecord]) -> bool:
        """Makes records and files agree; returns whether a record changed."""
        names = {entry.name for entry in os.scandir(self._images_dir)}
        changed = self._finish_deletes(names)
        missing = [image_id for image_id, entry in self._index.items() if entry.filename not in names]
        dropped = self._drop(missing)
        strays = names - {entry.filename for _, entry in self._index.items()}
        found = [record for record in find_strays(self._images_dir, strays) if record.id not in self._index]
        if found:
            facts = {**self._dropped.facts(), **facts}
        self._adopt(with_own_facts(record, facts.get(record.id)) for record in found)
        return changed or dropped or bool(found)

    def _drop(self, image_ids: Sequence[str]) -> bool:
        """Removes records whose files are gone, once they are written down elsewhere; returns whether any went."""
        lost = {image_id: self._entry(image_id) for image_id in image_ids}
        if not lost:
            return False
        try:
            self._dropped.remember(Line(entry.record, entry.json) for entry in lost.values())
        except OSError as error:
            logger.error("the files of %d pictures are gone; their records stay: %s", len(lost), error)
            return False
        logger.warning("the files of %d pictures are gone: dropped from the history", len(lost))
        for image_id in lost:
            self._index.remove(image_id)
        return True

    def _adopt(self, records: Iterable[ImageRecord]) -> None:
        adopted = 0
        for record in records:
            self._index.put(line_of(record))
            adopted += 1
        if adopted:
            logger.warning("%d pictures were not in the history: added from their own metadata", adopted)
            self._index.sort()

    def _finish_deletes(self, names: set[str]) -> bool:
        doomed = {name.removesuffix(DELETED_SUFFIX) for name in names if name.endswith(DELETED_SUFFIX)}
        gone = [image_id for image_id, entry in self._index.items() if entry.filename in doomed]
        for image_id in gone:
            self._index.remove(image_id)
        try:
            if gone:
                self._file.write(self._lines())
            finish_deletes(self._images_dir, names)
        except OSError as error:  # what stays is removed at the next start
            logger.error("the deletes that were cut off could not be finished: %s", error)
        return bool(gone)


def _why_not_saved(error: OSError) -> str:
    """Returns the message of an error of the disk; a full disk is only one of them."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return "There is no room on the disk for another picture; free some space and try again."
    return f"The disk refuses to store the picture ({error.strerror or type(error).__name__}); the log has more."
