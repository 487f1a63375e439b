"""Downloads of variants, one at a time, on a thread of their own; only on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from backend.models.catalogue import ModelDownload, PartName
from backend.services.errors import DiskFull, DownloadConflict, DownloadFailed, StudioError, UnknownDownload
from backend.services.library.catalogue import Catalogue
from backend.services.library.hub.client import PART_SUFFIX, Hub, HubFile, Unreachable, disk_errors
from backend.services.library.model_entry import ModelEntry
from backend.services.library.model_folder import find_fault
from backend.services.library.places import claim
from backend.services.library.variants.orders import Order, Piece
from backend.services.library.variants.presence import Here, find_here, model_of, path_of
from backend.services.library.variants.receipts import Receipts
from backend.services.library.variants.table import VARIANTS, Variant
from backend.utils.nearest_folder import nearest_folder

logger = logging.getLogger(__name__)

TRIES = 6
"""Tries in a row without a single byte."""
_GIGABYTE = 10**9
_CLOSE_S = 2.0


Result = TypeVar("Result")


class _Stopped(Exception):
    """Somebody cancelled it."""


@dataclass
class _Job:
    """The running download; the thread writes, everybody reads."""

    order: Order
    stop: threading.Event = field(default_factory=threading.Event)
    done_bytes: int = 0
    total_bytes: int = 0
    message: str = "Asking the hub for the list of files"
    thread: threading.Thread | None = None

    def on_bytes(self, before_bytes: int) -> Callable[[int], None]:
        """Returns what takes in how much of a file is there; it raises when the download is cancelled."""

        def take(there_bytes: int) -> None:
            if self.stop.is_set():
                raise _Stopped
            self.done_bytes = before_bytes + there_bytes

        return take


@dataclass(frozen=True)
class _Wanted:
    """File to come, at a commit of its repository."""

    repository: str
    commit: str
    file: HubFile
    target: Path


class Downloads:
    """Downloads into the folder of models, and their failures."""

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        hub: Hub,
        free_bytes: Callable[[Path], int],
        receipts: Receipts,
        *,
        min_free_disk_mb: int = 0,
        pause_s: Callable[[int], float] = lambda tries: 2.0**tries,
        variants: Sequence[Variant] = VARIANTS,
    ) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._hub = hub
        self._free_bytes = free_bytes
        self._receipts = receipts
        self._reserve_bytes = min_free_disk_mb * 2**20
        self._pause_s = pause_s
        self._variants = variants
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._failures: dict[str, str] = {}

    @property
    def room_bytes(self) -> int:
        """What is free on the disk of the models, beyond what is kept free."""
        return max(0, self._free_bytes(nearest_folder(self._folder)) - self._reserve_bytes)

    @property
    def running_id(self) -> str | None:
        """Id of what is being downloaded."""
        job = self._job
        return None if job is None else job.order.variant.id

    def start(self, model_id: str) -> None:
        """Starts or resumes the download of a variant; files of it that are here already stay.

        Raises:
            UnknownDownload: There is no such model to download.
            DownloadConflict: It is installed, another download runs, or HF_HUB_OFFLINE is set.
            DiskFull: There is no room for it.
        """
        variant = self._find(model_id)
        contents = self._catalogue.look()
        here = find_here(contents.files)
        with self._lock:
            model = model_of(variant, contents.models)
            if model is not None and model.installed:
                raise DownloadConflict(
                    f"{variant.model.name if variant.repository else model.id} is installed already."
                )
            if self._job is not None:
                raise DownloadConflict(f"{_name(self._job.order.variant)} is being downloaded; one at a time.")
            if self._hub.offline:
                raise DownloadConflict("HF_HUB_OFFLINE is set, so nothing is downloaded.")
            there_bytes = self.there_bytes(variant, here)
            self._check_room(self.missing_bytes(variant, here))
            self._failures.pop(variant.id, None)
            job = _Job(Order(variant, self._folder), total_bytes=variant.size_bytes, done_bytes=there_bytes)
            self._job = job
            job.thread = threading.Thread(target=self._run, args=(job, here), name="download", daemon=True)
            job.thread.start()

    def cancel(self, model_id: str) -> None:
        """Cancels a download, or clears a failed one. The next one resumes from the downloaded bytes.

        Raises:
            UnknownDownload: There is no such model to download.
        """
        variant = self._find(model_id)
        with self._lock:
            job = self._job if self._job is not None and self._job.order.variant.id == variant.id else None
            self._failures.pop(variant.id, None)
        if job is not None:
            self._end(job)

    def close(self) -> bool:
        """Ends a running download; returns whether it ended in time."""
        with self._lock:
            job = self._job
        return job is None or self._end(job)

    def state(self, model: ModelEntry) -> ModelDownload:
        """Returns the state and progress of a model's download."""
        is_offered = model.repository is not None
        there_bytes = _folder_bytes(self._folder / model.name) if is_offered and not model.installed else 0
        return self._state(model.id, there_bytes, round((model.download_gb or 0.0) * _GIGABYTE))

    def state_of(self, variant: Variant, here: Here) -> ModelDownload:
        """Returns the state and progress of a variant's download."""
        return self._state(variant.id, self.there_bytes(variant, here), variant.size_bytes)

    def there_bytes(self, variant: Variant, here: Here) -> int:
        """Returns how much of a variant is on the disk, parts of files included."""
        if variant.repository is not None:
            return _folder_bytes(self._folder / variant.model.name)
        paths = {file: path_of(file, here) for file in variant.files}
        return sum(_size_bytes(path or _part_of(self._folder / file.place)) for file, path in paths.items())

    def missing_bytes(self, variant: Variant, here: Here) -> int:
        """Returns how much of a variant is still to come, about."""
        return max(0, variant.size_bytes - self.there_bytes(variant, here))

    def _state(self, variant_id: str, there_bytes: int, total_bytes: int) -> ModelDownload:
        with self._lock:
            job, failure = self._job, self._failures.get(variant_id)
        if job is not None and job.order.variant.id == variant_id:
            return ModelDownload(
                state="running", done_bytes=job.done_bytes, total_bytes=job.total_bytes, message=job.message
            )
        return ModelDownload(
            state="none" if failure is None else "failed",
            done_bytes=there_bytes,
            total_bytes=total_bytes,
            message=failure or "",
        )

    def _end(self, job: _Job) -> bool:
        job.stop.set()
        job.message = "Ending"
        if job.thread is not None:
            job.thread.join(_CLOSE_S)
        return job.thread is None or not job.thread.is_alive()

    def _find(self, model_id: str) -> Variant:
        for variant in self._variants:
            if variant.id == model_id:
                return variant
        ids = ", ".join(variant.id for variant in sorted(self._variants, key=lambda one: one.repository is None))
        raise UnknownDownload(f"There is no such model to be downloaded; there are {ids}.")

    def _check_room(self, wanted_bytes: int) -> None:
        free_bytes = self._free_bytes(nearest_folder(self._folder))
        if free_bytes < wanted_bytes + self._reserve_bytes:
            raise DiskFull(
                f"{wanted_bytes / _GIGABYTE:.1f} GB are still to come, and {free_bytes / _GIGABYTE:.1f} GB are free on "
                "the disk of the models; free some space and try again."
            )

    # -- on the thread -----------------------------------------------------------------------------------------------

    def _run(self, job: _Job, here: Here) -> None:
        failure, variant = None, job.order.variant
        try:
            self._fetch_all(job, here)
            logger.info("%s is downloaded", variant.name)
        except _Stopped:
            logger.info("the download of %s is cancelled", variant.name)
        except Unreachable as error:
            logger.warning("the download of %s failed: %s", variant.name, error)
            failure = "The hub cannot be reached. Start the download again: it goes on where it stopped."
        except StudioError as error:
            logger.warning("the download of %s failed: %s", variant.name, error)
            failure = str(error)
        except Exception as error:  # whatever it is, the service goes on
            logger.exception("the download of %s failed", variant.name)
            failure = f"An unexpected error ({type(error).__name__}) ended the download; the log has more."
        with self._lock:
            self._job = None
            if failure is not None and not job.stop.is_set():
                self._failures[variant.id] = failure

    def _fetch_all(self, job: _Job, here: Here) -> None:
        wanted = self._list(job)
        job.total_bytes = sum(one.file.size_bytes for one in wanted)
        whole = self._find_whole(job, wanted, here)
        before_bytes = sum(one.file.size_bytes for one in whole)
        parts_bytes = sum(_size_bytes(_part_of(one.target)) for one in wanted)
        self._check_room(job.total_bytes - before_bytes - parts_bytes)
        if job.order.folder is None:
            with disk_errors():
                claim(self._folder)
        for one in wanted:
            if one not in whole:
                job.message = f"Downloading {one.file.path}"
                self._fetch(job, one, before_bytes)
                before_bytes += one.file.size_bytes
        self._complete(job.order)

    def _list(self, job: _Job) -> list[_Wanted]:
        """Returns the files of all repositories, what lets a model be seen last."""
        wanted: list[_Wanted] = []
        for piece in job.order.pieces:
            wanted += self._list_piece(job, piece)
        if job.order.folder is None:
            wanted.sort(key=lambda one: one.file.size_bytes)
            wanted.sort(key=lambda one: one.target.parent.name == "diffusion_models")
        return wanted

    def _list_piece(self, job: _Job, piece: Piece) -> list[_Wanted]:
        listing = self._persist(job, lambda: self._hub.list_files(piece.repository, piece.paths))
        return [
            _Wanted(piece.repository, listing.commit, file, job.order.target_of(piece, file)) for file in listing.files
        ]

    def _find_whole(self, job: _Job, wanted: Sequence[_Wanted], here: Here) -> set[_Wanted]:
        if job.order.folder is not None:  # nobody but us gives a file there its name before it is verified
            return {one for one in wanted if _size_bytes(one.target) == one.file.size_bytes and one.target.is_file()}
        elsewhere = {path.name: path for path in here.values()}
        whole: set[_Wanted] = set()
        for one in wanted:
            before_bytes = sum(known.file.size_bytes for known in whole)
            others = [path for path in (elsewhere.get(one.target.name),) if path not in (None, one.target)]
            if one.target.exists() and not self._is_same(job, one.file, one.target, before_bytes):
                raise DownloadFailed(
                    f"{one.target.parent.name}/{one.target.name} is here, and is another file than the hub's: "
                    "rename or delete it, then start the download again."
                )
            if one.target.exists() or any(path and self._is_same(job, one.file, path, before_bytes) for path in others):
                whole.add(one)
        return whole

    def _is_same(self, job: _Job, file: HubFile, path: Path, before_bytes: int) -> bool:
        if self._receipts.digest_of(path) == file.expected:
            return True
        job.message = f"Checking {path.name}"
        return file.is_content_of(path, job.on_bytes(before_bytes))

    def _fetch(self, job: _Job, one: _Wanted, before_bytes: int) -> None:
        on_bytes = job.on_bytes(before_bytes)
        self._persist(job, lambda: self._hub.fetch(one.repository, one.commit, one.file, one.target, on_bytes))
        self._receipts.add(one.target, one.file.expected)

    def _complete(self, order: Order) -> None:
        """Sees that the files are a model now. It uses those of its variant, unless others were chosen.

        Raises:
            DownloadFailed: they are none.
        """
        if order.folder is not None:
            fault = find_fault(order.folder)
            if fault is not None:
                raise DownloadFailed(
                    f"Every file is here, but they are no whole model: the repository has changed. {fault}"
                )
            return
        contents = self._catalogue.look()
        model = model_of(order.variant, contents.models)
        if model is None:
            names = {path.name for path in order.targets()}
            faults = " ".join(f"{file.name}: {file.fault}" for file in contents.files if file.path.name in names)
            raise DownloadFailed(f"Every file is here, but no model can be made of them. {faults}".strip())
        model = self._catalogue.settle(model.id, order.variant.member, _own_parts(order.variant, model))
        if not model.installed:
            raise DownloadFailed(f"Every file is here, but they are no whole model. {model.note}")

    def _persist(self, job: _Job, work: Callable[[], Result]) -> Result:
        """Tries again after a while, as long as something comes."""
        tries, seen_bytes = 0, job.done_bytes
        while True:
            if job.stop.is_set():
                raise _Stopped
            try:
                return work()
            except Unreachable as error:
                tries = 1 if job.done_bytes > seen_bytes else tries + 1
                if tries >= TRIES:
                    raise
                seen_bytes = job.done_bytes
                logger.info("the hub cannot be reached (%s); trying again", error)
                job.stop.wait(self._pause_s(tries))


def _name(variant: Variant) -> str:
    return variant.model.name if variant.repository is not None else variant.name


def _own_parts(variant: Variant, model: ModelEntry) -> dict[PartName, str]:
    """Returns the names of a variant's own files among those that fit its model."""
    names = {(file.part, file.name) for file in variant.files}
    return {
        kind: part.name
        for kind, fitting in model.choices.items()
        for part in reversed(fitting)
        if (kind, part.path.name) in names
    }


def _part_of(target: Path) -> Path:
    return target.with_name(target.name + PART_SUFFIX)


def _folder_bytes(folder: Path) -> int:
    return sum(_size_bytes(file) for file in folder.rglob("*"))


def _size_bytes(path: Path) -> int:
    """Returns the size of a file, 0 for what is none, or has just got another name."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
