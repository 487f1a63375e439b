"""What a request draws from: images of the history become inputs, and sizes are checked before it waits."""

from __future__ import annotations

from typing import Any, Protocol

from backend.models.edit import ControlRequest, EditRequest, FromHistory, ImageSource
from backend.models.recipe import MAX_UPSCALED_SIDE_PX, Recipe, Upscale
from backend.models.schemas import GenerateRequest
from backend.services.errors import InputRefused, InputUnusable, UnknownImage, UnknownInput
from backend.services.generation.inputs import Inputs, ReadInputs
from backend.services.images.inputs import MAX_PIXELS, Input, InputStore
from backend.services.images.store import HistoryStore


class Images(Protocol):
    """Finds inputs."""

    def get(self, input_id: str) -> Input:
        """Returns an input; raises UnknownInput."""


class _NoImages:
    def get(self, input_id: str) -> Input:
        raise UnknownInput(f"There is no input {input_id}.")


NO_IMAGES: Images = _NoImages()


class SourceKeeper:
    """Makes inputs of what requests name."""

    def __init__(self, inputs: InputStore, history: HistoryStore) -> None:
        self._inputs = inputs
        self._history = history

    def keep(self, request: GenerateRequest, owner: str | None) -> GenerateRequest:
        """Returns a request that names inputs only, all of which are here.

        Raises:
            InputRefused: one is not here, or is an image that the client may not see.
            DiskFull: an image of the history cannot be kept as an input.
        """
        if request.init_image is None and not request.control:
            return request
        changes: dict[str, object] = {
            name: self._id_of(source, name, owner)
            for name in ("init_image", "mask")
            if (source := getattr(request, name)) is not None
        }
        if request.control:
            changes["control"] = [
                self._with_id(control, f"control.{at}.image", owner) for at, control in enumerate(request.control)
            ]
        return request.model_copy(update=changes)

    def _with_id(self, control: ControlRequest, field: str, owner: str | None) -> ControlRequest:
        return control.model_copy(update={"image": self._id_of(control.image, field, owner)})

    def _id_of(self, source: ImageSource, field: str, owner: str | None) -> str:
        try:
            if not isinstance(source, FromHistory):
                return self._inputs.get(source).id
            if not self._history.own([source.image_id], owner):
                raise UnknownImage
            return self._inputs.add_file(self._history.image_path(source.image_id)).id
        except (UnknownImage, UnknownInput) as error:
            raise InputRefused(field, str(error)) from error


def read_from(store: InputStore) -> ReadInputs:
    """Returns what gives an engine the images that a recipe names."""

    def read(recipe: Recipe) -> Inputs:
        try:
            return Inputs({input_id: store.read(input_id) for input_id in recipe.inputs})
        except UnknownInput as error:
            raise InputUnusable("An image that it is drawn from is not here any more: send it again.") from error

    return read


def image_of(request: GenerateRequest, images: Images) -> Input | None:
    """Returns what a request draws from, or None; refuses a mask that does not lie on it.

    Raises:
        InputRefused: an image is not here any more, or the mask has another size.
    """
    image = _find(request.init_image, "init_image", images)
    mask = _find(request.mask, "mask", images)
    for at, control in enumerate(request.control):
        _find(control.image, f"control.{at}.image", images)
    if image is not None and mask is not None and (mask.width, mask.height) != (image.width, image.height):
        raise InputRefused(
            "mask",
            f"The mask has {mask.width}×{mask.height} pixels, the image {image.width}×{image.height}; "
            "they must lie on each other.",
        )
    return image


def _find(source: ImageSource | None, field: str, images: Images) -> Input | None:
    if source is None:
        return None
    if isinstance(source, FromHistory):
        raise InputRefused(field, "An image of the history must be kept as an input first.")
    try:
        return images.get(source)
    except UnknownInput as error:
        raise InputRefused(field, str(error)) from error


def size_after(width: int, height: int, request: GenerateRequest) -> tuple[int, int]:
    """Returns the size of the result: that of the image, with what it grows by."""
    if request.outpaint is not None:
        width += request.outpaint.left + request.outpaint.right
        height += request.outpaint.top + request.outpaint.bottom
    scale = request.upscale or 1.0
    return round(width * scale), round(height * scale)


def refuse_too_large(width: int, height: int, request: GenerateRequest) -> None:
    """Refuses a result that is larger than an image may be that is drawn from again.

    Raises:
        InputRefused: it has too many pixels, or too many a side.
    """
    if max(width, height) <= MAX_UPSCALED_SIDE_PX and width * height <= MAX_PIXELS:
        return
    field = "upscale" if request.upscale else "outpaint"
    raise InputRefused(
        field,
        f"The image would have {width}×{height} pixels; {MAX_PIXELS // 10**6} megapixels and "
        f"{MAX_UPSCALED_SIDE_PX:,} pixels a side are allowed.",
    )


def edit_of(request: GenerateRequest, image: Input | None) -> dict[str, Any]:
    """Returns the fields of a recipe that say what it is drawn from; none for text to image."""
    fields = request.model_dump(include=set(EditRequest.model_fields), exclude_none=True)
    if image is not None and request.upscale is not None:
        width, height = size_after(image.width, image.height, request)
        fields["upscale"] = Upscale(width=width, height=height)
    return fields
