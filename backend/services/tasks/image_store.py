"""What the queue needs of whatever keeps the images."""

from __future__ import annotations

from typing import Protocol

from backend.models.schemas import Door, ImageRecord
from backend.services.generation.events import Drawn


class ImageStore(Protocol):
    """Keeps images."""

    def prepare(self) -> None:
        """Makes sure that an image can be kept.

        Raises:
            DiskFull: It cannot.
        """

    def keeps(self, image_id: str) -> bool:
        """Tells whether there is such an image, and not in the trash."""

    def add(self, drawn: Drawn, client: str, door: Door | None) -> ImageRecord:
        """Saves an image that a client has asked for, by a door; returns when it is on the disk."""
