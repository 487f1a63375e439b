"""Cache of WebP thumbnails."""

from __future__ import annotations

import contextlib
import logging
from io import BytesIO
from pathlib import Path

from PIL import Image

from backend.models.gallery import ThumbnailWidth
from backend.services.errors import UnknownImage
from backend.utils.atomic_file import TEMPORARY_PREFIX
from backend.utils.ids import new_id

logger = logging.getLogger(__name__)

THUMBNAIL_SIDE_PX = 384
"""Longest side in pixels, when no width is requested."""


class Thumbnails:
    """Folder of thumbnails: a file for each image, and one for each requested width."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def try_to_make(self, image_id: str, image: Image.Image) -> None:
        """Makes a thumbnail if the disk allows; else the next request makes it."""
        try:
            content = _encode(image, None)
        except OSError as error:
            logger.warning("no thumbnail for %s: %s", image_id, error)
        else:
            self._keep(content, self._path(image_id, None))

    def get(self, image_id: str, picture: Path, width: ThumbnailWidth | None = None) -> Path | bytes:
        """Returns the path of an image's thumbnail, made when missing. On a full disk returns its bytes.

        Raises:
            UnknownImage: The image is damaged.
        """
        path = self._path(image_id, width)
        if path.is_file():
            return path
        try:
            with Image.open(picture, formats=["PNG"]) as image:
                content = _encode(image, width)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise UnknownImage("The file of this picture is damaged.") from error
        return path if self._keep(content, path) else content

    def remove(self, image_id: str) -> None:
        """Removes an image's thumbnails; ignores errors."""
        for width in (None, *ThumbnailWidth):
            with contextlib.suppress(OSError):
                self._path(image_id, width).unlink(missing_ok=True)

    def _path(self, image_id: str, width: ThumbnailWidth | None) -> Path:
        return self.folder / (f"{image_id}.webp" if width is None else f"{image_id}.{width:d}.webp")

    def _keep(self, content: bytes, path: Path) -> bool:
        """Writes a thumbnail, not synced because it can be made again; returns whether the disk let it."""
        temporary = self.folder / f"{TEMPORARY_PREFIX}{new_id()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as error:
            logger.warning("the thumbnail %s is not kept: %s", path.name, error)
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
            return False
        return True


def _encode(image: Image.Image, width: ThumbnailWidth | None) -> bytes:
    small = image.convert("RGB")
    bounds = (THUMBNAIL_SIDE_PX, THUMBNAIL_SIDE_PX) if width is None else (int(width), small.height)
    small.thumbnail(bounds, Image.Resampling.BICUBIC, reducing_gap=2.0)  # keeps the shape, and never enlarges
    buffer = BytesIO()
    small.save(buffer, format="WEBP", quality=80, method=2)
    return buffer.getvalue()
