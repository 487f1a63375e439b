"""What an image will look like, in full size, as far as some of its forwards tell."""

from __future__ import annotations

import logging
from collections.abc import Callable

from PIL import Image

from backend.services.errors import BlankPicture, OutOfMemory
from backend.services.generation.engines.memory import translate_oom
from backend.services.generation.events import Emit, IsCancelled, Partial

logger = logging.getLogger(__name__)

Decode = Callable[[], Image.Image]


def partial_forwards(forwards: int, partial_images: int) -> dict[int, int]:
    """Returns the forwards after which there is a partial image, with its index: 1 + ⌊i (F − 1) / k⌋ for i < k.

    The first comes at once, the others in equal parts. There is none after the last forward, which gives the image.
    """
    planned = {1 + index * (forwards - 1) // partial_images for index in range(partial_images)}
    return {done: index for index, done in enumerate(sorted(done for done in planned if done < forwards))}


class Partials:
    """Decodes the estimates of one image where they are asked for; whatever goes wrong with that, the image counts."""

    def __init__(self, forwards: int, partial_images: int, emit: Emit, cancelled: IsCancelled) -> None:
        self._indices = partial_forwards(forwards, partial_images)
        self._emit = emit
        self._cancelled = cancelled

    def show(self, done: int, decode: Decode) -> None:
        """Emits the partial image after a forward, if there is to be one."""
        index = self._indices.get(done)
        if index is None or self._cancelled():
            return
        from zimage.errors import NotFiniteError

        try:
            self._emit(Partial(translate_oom(decode), index))
        except (NotFiniteError, BlankPicture, OutOfMemory) as error:
            logger.warning("there is no partial image after forward %d: %s", done, error)
