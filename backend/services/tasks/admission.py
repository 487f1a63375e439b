"""Whether a request may enter the queue at all, said before it waits there."""

from __future__ import annotations

from collections.abc import Callable

from backend.models.schemas import GenerateRequest
from backend.services.errors import DiskFull, TooMuchWork
from backend.services.generation.job import Job
from backend.services.library.catalogue import Catalogue
from backend.services.library.model_entry import AUTO

_MIB = 2**20


class Admission:
    """Checks what can be known at once: the work is bounded, and there is room for the picture."""

    def __init__(
        self,
        catalogue: Catalogue,
        prepare_folders: Callable[[], None],
        free_disk_bytes: Callable[[], int],
        *,
        min_free_disk_mb: int,
        max_work: int,
    ) -> None:
        self._catalogue = catalogue
        self._prepare_folders = prepare_folders
        self._free_disk_bytes = free_disk_bytes
        self._min_free_disk_mb = min_free_disk_mb
        self._max_work = max_work

    def check(self, request: GenerateRequest, job: Job) -> None:
        """Lets a request pass, or raises.

        Raises:
            TooMuchWork: its pixels × steps × pictures, twice when guided, are above the limit of the settings.
            DiskFull: less space is free than the settings want, or a picture could not be kept.
        """
        self._check_work(request, job)
        self._check_disk()

    def check_machine(self) -> None:
        """Checks what does not depend on the request, with the model that `auto` means.

        Raises:
            ModelError: no model is installed.
            DiskFull: less space is free than the settings want, or a picture could not be kept.
        """
        self._catalogue.resolve(AUTO)
        self._check_disk()

    def _check_work(self, request: GenerateRequest, job: Job) -> None:
        times = 2 if job.recipe.guidance_scale > 0 else 1  # a guided step runs the model twice
        work = times * request.width * request.height * request.num_inference_steps * request.num_images / _MIB
        if work > self._max_work:
            guided = " × 2 for the guidance" if times > 1 else ""
            raise TooMuchWork(
                f"{request.width}×{request.height} pixels × {request.num_inference_steps} steps × {request.num_images} "
                f"pictures{guided} are {work:,.0f} megapixel steps; the limit is {self._max_work:,}. "
                "Ask for fewer pictures."
            )

    def _check_disk(self) -> None:
        self._prepare_folders()
        free_mb = self._free_disk_bytes() // _MIB
        if free_mb < self._min_free_disk_mb:
            raise DiskFull(
                f"Only {free_mb} MB are free on the disk of the pictures; {self._min_free_disk_mb} MB are needed. "
                "Delete something and try again."
            )
