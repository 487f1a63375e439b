"""Whether a request may enter the queue at all, said before it waits there."""

from __future__ import annotations

from collections.abc import Callable

from backend.models.schemas import GenerateRequest
from backend.services.catalogue import Catalogue
from backend.services.errors import DiskFull

_MIB = 2**20


class Admission:
    """Checks what can be known at once: the model is here, and there is room for the picture."""

    def __init__(self, catalogue: Catalogue, free_disk_bytes: Callable[[], int], min_free_disk_mb: int) -> None:
        self._catalogue = catalogue
        self._free_disk_bytes = free_disk_bytes
        self._min_free_disk_mb = min_free_disk_mb

    def check(self, request: GenerateRequest) -> None:
        """Lets a request pass, or raises.

        Raises:
            ModelError: the model is unknown or not installed.
            DiskFull: less space is free than the settings want.
        """
        self._catalogue.resolve(request.model)
        free_mb = self._free_disk_bytes() // _MIB
        if free_mb < self._min_free_disk_mb:
            raise DiskFull(
                f"Only {free_mb} MB are free on the disk of the pictures; {self._min_free_disk_mb} MB are needed. "
                "Delete something and try again."
            )
