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
            content = _encode(image)
        except OSError as error:
            logger.warning("no thumbnail for %s: %s", image_id, error)
        else:
            self._keep(content, image_id)

    def get(self, image_id: str, picture: Path) -> Path | bytes:
        """Returns where a picture's thumbnail is, made when it was missing; or itself, when the disk has no room.

        Raises:
            UnknownImage: the picture is damaged.
        """
        path = self._path(image_id)
        if path.is_file():
            return path
        try:
            with Image.open(picture, formats=["PNG"]) as image:
                content = _encode(image)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UnknownImage("The file of this picture is damaged.") from error
        return path if self._keep(content, image_id) else content

    def remove(self, image_id: str) -> None:
        """Removes a thumbnail; one that cannot be removed does no harm."""
        with contextlib.suppress(OSError):
            self._path(image_id).unlink(missing_ok=True)

    def _path(self, image_id: str) -> Path:
        return self.folder / f"{image_id}.webp"

    def _keep(self, content: bytes, image_id: str) -> bool:
        """Writes a thumbnail, not synced because it can be made again; returns whether the disk let it."""
        temporary = self.folder / f"{TEMPORARY_PREFIX}{new_id()}"
        try:
            temporary.write_bytes(content)
            temporary.replace(self._path(image_id))
        except OSError as error:
            logger.warning("the thumbnail of %s is not kept: %s", image_id, error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return False
        return True


def _encode(image: Image.Image) -> bytes:
    small = image.convert("RGB")
    small.thumbnail((THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)
    buffer = BytesIO()
    small.save(buffer, format="WEBP", quality=80, method=2)
    return buffer.getvalue()
