"""Takes pictures from elsewhere into the history: pixels as they are, parameters as far as they are told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import BinaryIO

from PIL import Image, ImageOps

from backend.models.schemas import ImageRecord
from backend.services.errors import NoParameters
from backend.services.images.metadata.foreign import find_parameters, open_picture, read_texts
from backend.services.images.metadata.own import parse_own
from backend.services.images.records import describe_found, hash_pixels, name_file
from backend.services.images.store import HistoryStore
from backend.utils.clock import utc_now
from backend.utils.ids import new_id

MAX_TEXT_CHARACTERS = 20_000
"""Of a prompt; a history with longer ones would not be quick any more."""
_KEPT_MODES = ("1", "L", "LA", "RGB", "RGBA")
"""What a PNG holds without a change of any pixel; everything else becomes RGB, or RGBA."""


class PictureImporter:
    """Adds pictures to a history, one at a time: a large one takes hundreds of megabytes while it is read."""

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

        A picture that is there already, and not somebody else's, stays as it is, but for coming out of the trash.
        A new one belongs to whoever brings it, whatever it says of itself.

        Raises:
            NoParameters: it is no such picture, is damaged, or carries no parameters.
            DiskFull: there is no room; nothing is left behind.
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
        """Gives a picture of this program back what it says of itself, cleaned, and its id if nobody has it."""
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
    """Reads the pixels as they are looked at: turned as the camera says, the first one of a moving picture."""
    with open_picture(file) as picture:
        if picture.mode[0] in "IF":
            raise NoParameters("A picture of more than 8 bits a colour cannot be kept as it is.")
        image = ImageOps.exif_transpose(picture)
        return image if image.mode in _KEPT_MODES else image.convert("RGBA" if "transparency" in image.info else "RGB")
