"""Import of images from elsewhere: pixels unchanged, parameters as far as they have any."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from PIL import Image, ImageOps

from backend.models.schemas import ImageRecord
from backend.services.errors import NoParameters
from backend.services.images.metadata.foreign import find_parameters
from backend.services.images.metadata.own import parse_own
from backend.services.images.metadata.texts import open_picture, read_texts
from backend.services.images.records import describe_found, hash_pixels, name_file
from backend.services.images.store import HistoryStore
from backend.utils.clock import utc_now
from backend.utils.ids import new_id

MAX_TEXT_CHARACTERS = 20_000
"""Longest imported prompt; longer ones would slow the history down."""
_KEPT_MODES = ("1", "L", "LA", "RGB", "RGBA")
"""Modes that a PNG holds losslessly; others become RGB or RGBA."""


class PictureImporter:
    """Imports images into a history. One at a time: a large one takes hundreds of megabytes."""

    def __init__(
        self,
        store: HistoryStore,
        *,
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._store = store
        self._now = now
        self._make_id = make_id
        self._one_at_a_time = threading.Lock()

    def add(self, file: BinaryIO, owner: str | None = None) -> tuple[ImageRecord, bool]:
        """Adds a PNG, JPEG or WebP; returns its record, and whether it is new.

        An image that the owner already has stays as it is; it leaves the trash. A new one belongs to `owner`.

        Raises:
            NoParameters: It is no such image, is damaged, or has no parameters.
            DiskFull: There is no room; nothing is left behind.
        """
        texts = read_texts(file)
        found = find_parameters(texts)
        if max(len(found.parameters.prompt or ""), len(found.parameters.negative_prompt or "")) > MAX_TEXT_CHARACTERS:
            raise NoParameters(f"The prompt in this picture has more than {MAX_TEXT_CHARACTERS:,} characters.")
        with self._one_at_a_time:
            image = _decode(file)
            known = self._store.find_pixels(hash_pixels(image), owner)
            if known is not None:
                return self._store.restore([known.id])[0], False
            record = describe_found(found, image, self._make_id(), self._now())
            record = self._as_it_was(record, parse_own(texts)).model_copy(update={"owner": owner})
            return self._store.keep(record, image), True

    def _as_it_was(self, record: ImageRecord, own: ImageRecord | None) -> ImageRecord:
        """Returns the record in an image of this program, cleaned; its id if that is free."""
        if own is None:
            return record
        image_id = record.id if self._store.has(own.id) else own.id
        return own.model_copy(
            update={
                "id": image_id,
                "filename": name_file(image_id, own.created_at),
                "width": record.width,
                "height": record.height,
                "prompt": record.prompt,
                "negative_prompt": record.negative_prompt,
                "model": record.model,
                "pixel_hash": record.pixel_hash,
            }
        )


def _decode(file: BinaryIO) -> Image.Image:
    """Decodes the pixels: EXIF's orientation applied, the first frame of an animation."""
    with open_picture(file) as picture:
        if picture.mode[0] in "IF":
            raise NoParameters("A picture of more than 8 bits a colour cannot be kept as it is.")
        image = ImageOps.exif_transpose(picture)
        return image if image.mode in _KEPT_MODES else image.convert("RGBA" if "transparency" in image.info else "RGB")
