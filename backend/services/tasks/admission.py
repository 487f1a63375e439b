"""Whether a request may enter the queue at all, said before it waits there."""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.models.schemas import GenerateRequest
from backend.services.errors import DiskFull, DoesNotFit, StudioError, TooMuchWork
from backend.services.generation.job import Job
from backend.services.generation.planning.planner import Planner
from backend.services.library.catalogue import Catalogue
from backend.services.library.model_entry import AUTO

logger = logging.getLogger(__name__)

_MIB = 2**20


class Admission:
    """Checks what can be known at once: the work is bounded, and there is room for the picture."""

    def __init__(
        self,
        catalogue: Catalogue,
        prepare_folders: Callable[[], None],
        free_disk_bytes: Callable[[], int],
        planner: Planner,
        *,
        min_free_disk_mb: int,
        max_work: int,
    ) -> None:
        self._catalogue = catalogue
        self._prepare_folders = prepare_folders
        self._free_disk_bytes = free_disk_bytes
        self._planner = planner
        self._min_free_disk_mb = min_free_disk_mb
        self._max_work = max_work

    def check(self, request: GenerateRequest, job: Job) -> None:
        """Lets a request pass, or raises.

        Raises:
            TooMuchWork: its pixels × steps × pictures, twice when guided, are above the limit of the settings.
            DoesNotFit: it takes more memory than there is.
            DiskFull: less space is free than the settings want, or a picture could not be kept.
        """
        self._check_work(request, job)
        self._check_memory(job)
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
        recipe = job.recipe
        times = 2 if recipe.guidance_scale > 0 else 1  # a guided step runs the model twice
        steps = request.num_inference_steps if recipe.init_image is None else recipe.forwards  # of all tiles
        width, height = (request.width, request.height) if recipe.init_image is None else (recipe.width, recipe.height)
        work = times * width * height * steps * request.num_images / _MIB
        if work > self._max_work:
            guided = " × 2 for the guidance" if times > 1 else ""
            raise TooMuchWork(
                f"{width}×{height} pixels × {steps} steps × {request.num_images} pictures{guided} are {work:,.0f} "
                f"megapixel steps; the limit is {self._max_work:,}. "
                + ("Ask for fewer pictures." if recipe.upscale is None else "Enlarge it less, or with less strength.")
            )

    def _check_memory(self, job: Job) -> None:
        """Refuses what cannot fit; where that cannot be told, the task itself fails with the reason."""
        try:
            model = self._catalogue.resolve(job.recipe.model)
            self._planner.refuse_what_cannot_fit(model, job.recipe, use_gpu=job.use_gpu)
        except DoesNotFit:
            raise
        except StudioError as error:
            logger.warning("memory is not foretold: %s", error)
        except Exception:
            logger.exception("memory is not foretold")

    def _check_disk(self) -> None:
        self._prepare_folders()
        free_mb = self._free_disk_bytes() // _MIB
        if free_mb < self._min_free_disk_mb:
            raise DiskFull(
                f"Only {free_mb} MB are free on the disk of the pictures; {self._min_free_disk_mb} MB are needed. "
                "Delete something and try again."
            )
