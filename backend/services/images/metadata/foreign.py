"""Parameters in images, whichever program wrote them: each has a file of its own beside this one."""

from __future__ import annotations

import json
from typing import BinaryIO

from pydantic import ValidationError

from backend.models.gallery import ReadResult
from backend.services.errors import NoParameters
from backend.services.images.metadata import a1111, comfyui, drawthings, fooocus, invokeai, novelai, swarmui
from backend.services.images.metadata.fields import build_result
from backend.services.images.metadata.own import OWN_KEYWORD
from backend.services.images.metadata.texts import Texts, read_texts


def read_parameters(file: BinaryIO) -> ReadResult:
    """Reads the parameters of a PNG, JPEG or WebP.

    Raises:
        NoParameters: It is no such image, or has none.
    """
    return find_parameters(read_texts(file))


def find_parameters(texts: Texts) -> ReadResult:
    """Parses the parameters in the texts of an image.

    Raises:
        NoParameters: There are none.
    """
    readers = (_own, invokeai.read, swarmui.read, fooocus.read, drawthings.read, novelai.read, a1111.read, comfyui.read)
    for read in readers:
        try:
            found = read(texts)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError):
            continue
        if found is not None:
            return found
    raise NoParameters("This picture carries no parameters that are known here.")


def _own(texts: Texts) -> ReadResult | None:
    if OWN_KEYWORD not in texts:
        return None
    own = json.loads(texts[OWN_KEYWORD])
    return build_result("zimage", {**own, "negative_prompt": own.get("negative_prompt") or None})
