"""What travels between the queue and an actor, as plain data: no class of ours is pickled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.generation.events import Drawn, Ended, JobEvent, Loaded, Loading, Partial, Preview, Step
from backend.services.generation.preview import PreviewPixels

Packed = tuple[str, dict[str, Any]]
"""Name of an event, and its fields."""
Pixels = tuple[str, tuple[int, int], bytes]
"""Mode, size and bytes of an image."""

_PLAIN: Mapping[str, type[Loading | Loaded | Step | Ended]] = {
    kind.__name__: kind for kind in (Loading, Loaded, Step, Ended)
}


def pack(event: JobEvent) -> Packed:
    """Returns an event as plain data."""
    match event:
        case Preview(pixels=pixels):
            return "Preview", asdict(pixels)
        case Partial(image=image, index=index):
            return "Partial", {"image": pack_image(image), "index": index}
        case Drawn():
            fields = {
                "image": pack_image(event.image),
                "recipe": event.recipe.model_dump_json(),
                "device": event.device,
                "generation_time_ms": event.generation_time_ms,
                "peak_bytes": event.peak_bytes,
            }
            return "Drawn", fields
    return type(event).__name__, asdict(event)


def unpack(packed: Packed) -> JobEvent:
    """Returns the event of plain data.

    Raises:
        ValueError: there is no such event.
    """
    name, fields = packed
    if name == "Preview":
        return Preview(PreviewPixels(**fields))
    if name == "Partial":
        return Partial(unpack_image(fields["image"]), fields["index"])
    if name == "Drawn":
        image, recipe = unpack_image(fields["image"]), Recipe.model_validate_json(fields["recipe"])
        return Drawn(image, recipe, fields["device"], fields["generation_time_ms"], fields["peak_bytes"])
    if name not in _PLAIN:
        raise ValueError(f"a worker has sent {name!r}, which is no event")
    return _PLAIN[name](**fields)


def pack_image(image: Image.Image) -> Pixels:
    """Returns an image's pixels."""
    return image.mode, image.size, image.tobytes()


def unpack_image(pixels: Pixels) -> Image.Image:
    """Returns the image of pixels."""
    return Image.frombytes(*pixels)
