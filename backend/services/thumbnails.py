"""Small WebP copies of the pictures; they can all be made again."""

from __future__ import annotations

import contextlib
import logging
from io import BytesIO
from pathlib import Path

from PIL import Image

from backend.services.errors import UnknownImage
from backend.utils.atomic_file import TEMPORARY_PREFIX
from backend.utils.ids import new_id

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE_PX = 384


class Thumbnails:
    """A folder with one file a picture, named by its id."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def try_to_make(self, image_id: str, image: Image.Image) -> None:
        """Makes a thumbnail if the disk lets it; if not, it is made when it is asked for."""
        try:
            self._write(image, self._path(image_id))
        except OSError as error:
            logger.warning("no thumbnail for %s: %s", image_id, error)

    def path(self, image_id: str, picture: Path) -> Path:
        """Returns where a picture's thumbnail is; makes it when it is missing.

        Raises:
            UnknownImage: the picture is damaged.
        """
        path = self._path(image_id)
        if not path.is_file():
            try:
                with Image.open(picture, formats=["PNG"]) as image:
                    self._write(image, path)
            except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
                raise UnknownImage("The file of this picture is damaged.") from error
        return path

    def remove(self, image_id: str) -> None:
        """Removes a thumbnail; one that cannot be removed does no harm."""
        with contextlib.suppress(OSError):
            self._path(image_id).unlink(missing_ok=True)

    def _path(self, image_id: str) -> Path:
        return self.folder / f"{image_id}.webp"

    def _write(self, image: Image.Image, path: Path) -> None:
        small = image.convert("RGB")
        small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
        buffer = BytesIO()
        small.save(buffer, format="WEBP", quality=80, method=2)
        temporary = path.with_name(f"{TEMPORARY_PREFIX}{new_id()}")  # not synced: it can be made again
        temporary.write_bytes(buffer.getbuffer())
        temporary.replace(path)
