"""Downloads of models, one at a time, on a thread of their own; only on request."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from backend.models.catalogue import ModelDownload
from backend.services.errors import DiskFull, DownloadConflict, DownloadFailed, StudioError, UnknownDownload
from backend.services.library.catalogue import Catalogue
from backend.services.library.hub import PART_SUFFIX, Hub, HubFile, Listing, Unreachable
from backend.services.library.model_entry import ModelEntry
from backend.services.library.model_folder import find_fault
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

    model: ModelEntry
    stop: threading.Event = field(default_factory=threading.Event)
    done_bytes: int = 0
    total_bytes: int = 0
    message: str = "Asking the hub for the list of files"
    thread: threading.Thread | None = None


class Downloads:
    """Downloads into the folder of models, and their failures."""

    def __init__(
        self,
        catalogue: Catalogue,
        folder: Path,
        hub: Hub,
        free_bytes: Callable[[Path], int],
        *,
        min_free_disk_mb: int = 0,
        pause_s: Callable[[int], float] = lambda tries: 2.0**tries,
    ) -> None:
        self._catalogue = catalogue
        self._folder = folder
        self._hub = hub
        self._free_bytes = free_bytes
        self._reserve_bytes = min_free_disk_mb * 2**20
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._job: _Job | None = None
        self._failures: dict[str, str] = {}

    def start(self, model_id: str) -> None:
        """Starts or resumes the download of a model.

        Raises:
            UnknownDownload: There is no such model to download.
            DownloadConflict: It is installed, another download runs, or HF_HUB_OFFLINE is set.
            DiskFull: There is no room for it.
        """
        model = self._find(model_id)
        with self._lock:
            if model.installed:
                raise DownloadConflict(f"{model.name} is installed already.")
            if self._job is not None:
                raise DownloadConflict(f"{self._job.model.name} is being downloaded; one at a time.")
            if self._hub.offline:
                raise DownloadConflict("HF_HUB_OFFLINE is set, so nothing is downloaded.")
            total_bytes = round((model.download_gb or 0.0) * _GIGABYTE)
            self._check_room(total_bytes - self._there_bytes(model))
            self._failures.pop(model.id, None)
            job = self._job = _Job(model, total_bytes=total_bytes, done_bytes=self._there_bytes(model))
            job.thread = threading.Thread(target=self._run, args=(job,), name="download", daemon=True)
            job.thread.start()

    def cancel(self, model_id: str) -> None:
        """Cancels a download, or clears a failed one. The next one resumes from the downloaded bytes.

        Raises:
            UnknownDownload: There is no such model to download.
        """
        model = self._find(model_id)
        with self._lock:
            job = self._job if self._job is not None and self._job.model.id == model.id else None
            self._failures.pop(model.id, None)
        if job is not None:
            self._end(job)

    def close(self) -> bool:
        """Ends a running download; returns whether it ended in time."""
        with self._lock:
            job = self._job
        return job is None or self._end(job)

    def state(self, model: ModelEntry) -> ModelDownload:
        """Returns the state and progress of a model's download."""
        with self._lock:
            job, failure = self._job, self._failures.get(model.id)
        if job is not None and job.model.id == model.id:
            return ModelDownload(
                state="running", done_bytes=job.done_bytes, total_bytes=job.total_bytes, message=job.message
            )
        return ModelDownload(
            state="none" if failure is None else "failed",
            done_bytes=0 if model.installed or model.repository is None else self._there_bytes(model),
            total_bytes=round((model.download_gb or 0.0) * _GIGABYTE),
            message=failure or "",
        )

    def _end(self, job: _Job) -> bool:
        job.stop.set()
        job.message = "Ending"
        if job.thread is not None:
            job.thread.join(_CLOSE_S)
        return job.thread is None or not job.thread.is_alive()

    def _find(self, model_id: str) -> ModelEntry:
        models = [model for model in self._catalogue.models() if model.repository is not None]
        for model in models:
            if model.id == model_id:
                return model
        ids = ", ".join(model.id for model in models)
        raise UnknownDownload(f"There is no such model to be downloaded; there are {ids}.")

    def _there_bytes(self, model: ModelEntry) -> int:
        return sum(_size_bytes(file) for file in (self._folder / model.name).rglob("*"))

    def _check_room(self, wanted_bytes: int) -> None:
        free_bytes = self._free_bytes(nearest_folder(self._folder))
        if free_bytes < wanted_bytes + self._reserve_bytes:
            raise DiskFull(
                f"{wanted_bytes / _GIGABYTE:.1f} GB are still to come, and {free_bytes / _GIGABYTE:.1f} GB are free on "
                "the disk of the models; free some space and try again."
            )

    # -- on the thread -----------------------------------------------------------------------------------------------

    def _run(self, job: _Job) -> None:
        failure = None
        try:
            self._fetch_all(job)
            logger.info("%s is downloaded", job.model.name)
        except _Stopped:
            logger.info("the download of %s is cancelled", job.model.name)
        except Unreachable as error:
            logger.warning("the download of %s failed: %s", job.model.name, error)
            failure = "The hub cannot be reached. Start the download again: it goes on where it stopped."
        except StudioError as error:
            logger.warning("the download of %s failed: %s", job.model.name, error)
            failure = str(error)
        except Exception as error:  # whatever it is, the service goes on
            logger.exception("the download of %s failed", job.model.name)
            failure = f"An unexpected error ({type(error).__name__}) ended the download; the log has more."
        with self._lock:
            self._job = None
            if failure is not None and not job.stop.is_set():
                self._failures[job.model.id] = failure

    def _fetch_all(self, job: _Job) -> None:
        repository, folder = job.model.repository or "", self._folder / job.model.name
        listing: Listing = self._persist(job, lambda: self._hub.list_files(repository))
        whole = {file for file in listing.files if _is_whole(folder / file.path, file)}
        before_bytes = sum(file.size_bytes for file in whole)
        job.total_bytes = listing.size_bytes
        parts_bytes = sum(_size_bytes(folder / f"{file.path}{PART_SUFFIX}") for file in listing.files)
        self._check_room(listing.size_bytes - before_bytes - parts_bytes)
        for file in listing.files:
            if file in whole:
                continue
            job.message = f"Downloading {file.path}"
            self._fetch(job, repository, listing.commit, file, folder / file.path, before_bytes)
            before_bytes += file.size_bytes
        fault = find_fault(folder)
        if fault is not None:
            raise DownloadFailed(
                f"Every file is here, but they are no whole model: the repository has changed. {fault}"
            )

    def _fetch(
        self, job: _Job, repository: str, commit: str, file: HubFile, target: Path, before_bytes: int
    ) -> None:  # fmt: skip
        def on_bytes(there: int) -> None:
            if job.stop.is_set():
                raise _Stopped
            job.done_bytes = before_bytes + there

        self._persist(job, lambda: self._hub.fetch(repository, commit, file, target, on_bytes))

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


def _is_whole(path: Path, file: HubFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size_bytes


def _size_bytes(path: Path) -> int:
    """Returns the size of a file, 0 for what is none, or has just got another name."""
    try:
        return path.stat().st_size if path.is_file() else 0
    except FileNotFoundError:
        return 0
