"""What a request draws from, checked before it waits. Pure functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from backend.models.edit import FromHistory, FromInput, ImageSource
from backend.models.recipe import ANNOTATED, INPAINT, MAX_UPSCALED_SIDE_PX, AnnotatedKind, Recipe, Upscale
from backend.models.schemas import GenerateRequest
from backend.services.errors import InputRefused, UnknownAnnotator, UnknownInput

MAX_RESULT_PIXELS = 50_000_000
MAX_REFERENCE_AREA_PX = 1024 * 1024
"""Of the size that an image has which is drawn from references, when none is asked for."""


class Sized(Protocol):
    """A kept image."""

    @property
    def width(self) -> int:
        """Pixels from left to right."""

    @property
    def height(self) -> int:
        """Pixels from top to bottom."""


class Images(Protocol):
    """Finds kept images."""

    def get(self, input_id: str) -> Sized:
        """Returns one; raises UnknownInput."""


class Network(Protocol):
    """A ControlNet that is here."""

    @property
    def name(self) -> str:
        """Name of its file."""

    @property
    def takes_mask(self) -> bool:
        """Whether it reads a mask and a masked image too."""


FindControl = Callable[[str], Network]
"""Finds a ControlNet by name; raises UnknownControl."""


FindAnnotator = Callable[[AnnotatedKind], object]
"""Finds what makes control images of a kind; raises UnknownAnnotator."""


class _NoImages:
    def get(self, input_id: str) -> Sized:
        raise UnknownInput(f"There is no input {input_id}.")


NO_IMAGES: Images = _NoImages()


def image_of(request: GenerateRequest, images: Images) -> Sized | None:
    """Returns what a request draws from, or None; refuses a mask that does not lie on it.

    Raises:
        InputRefused: an image is not here any more, or the mask has another shape.
    """
    image = _find(request.init_image, "init_image", images)
    mask = _find(request.mask, "mask", images)
    _find(request.base, "base", images)
    for at, control in enumerate(request.control):
        _find(control.image, f"control.{at}.image", images)
        refuse_maskless_inpaint(request, at)
    for at, source in enumerate(request.references):
        _find(source, f"references.{at}", images)
    if image is not None and mask is not None and not has_shape_of(mask, image):
        raise InputRefused(
            "mask",
            f"The mask has {mask.width}×{mask.height} pixels, the image {image.width}×{image.height}; "
            "both need the same shape.",
        )
    return image


_SHAPE_TOLERANCE = 0.01


def has_shape_of(image: Sized, other: Sized) -> bool:
    """Tells whether two images have the same aspect ratio; see `zimage.conditions.images`, which resizes the mask."""
    sides = (
        (image.width, other.width * image.height / other.height),
        (image.height, other.height * image.width / other.width),
    )
    return any(abs(side - wanted) <= max(1.0, _SHAPE_TOLERANCE * side) for side, wanted in sides)


def last_reference(request: GenerateRequest, images: Images) -> Sized | None:
    """Returns the last of the images that Omni draws from, whose size the result has; None without any.

    Raises:
        InputRefused: it is not here any more.
    """
    at = len(request.references) - 1
    return _find(request.references[at], f"references.{at}", images) if request.references else None


def _find(source: ImageSource | None, field: str, images: Images) -> Sized | None:
    if source is None:
        return None
    if isinstance(source, FromHistory):
        raise InputRefused(field, "An image of the history must be kept as an input first.")
    try:
        return images.get(source.input_id)
    except UnknownInput as error:
        raise InputRefused(field, str(error)) from error


def size_after(width: int, height: int, request: GenerateRequest) -> tuple[int, int]:
    """Returns the size of the result: that of the image, with what it grows by."""
    if request.outpaint is not None:
        width += request.outpaint.left + request.outpaint.right
        height += request.outpaint.top + request.outpaint.bottom
    scale = request.upscale.factor if request.upscale is not None else 1.0
    return round(width * scale), round(height * scale)


def refuse_too_large(width: int, height: int, request: GenerateRequest) -> None:
    """Refuses a result that is larger than an image may be that is drawn from again.

    Raises:
        InputRefused: it has too many pixels, or too many a side.
    """
    if max(width, height) <= MAX_UPSCALED_SIDE_PX and width * height <= MAX_RESULT_PIXELS:
        return
    field = "upscale" if request.upscale else "outpaint" if request.outpaint else "init_image"
    raise InputRefused(
        field,
        f"The image would have {width}×{height} pixels; {MAX_RESULT_PIXELS // 10**6} megapixels and "
        f"{MAX_UPSCALED_SIDE_PX:,} pixels a side are allowed.",
    )


_PLAIN = {"strength", "mask_mode", "feather", "outpaint"}


def refuse_maskless_inpaint(request: GenerateRequest, at: int) -> None:
    """Refuses a control that is to see a mask where there is none.

    Raises:
        InputRefused: neither a mask nor outpainting is asked for.
    """
    control = request.control[at]
    if (control.inpaint or control.kind == INPAINT) and not _is_masked(request):
        field = "kind" if control.kind == INPAINT else "inpaint"
        raise InputRefused(f"control.{at}.{field}", "This needs a `mask` or `outpaint`.")


def _is_masked(request: GenerateRequest) -> bool:
    return request.mask is not None or request.outpaint is not None


def _use_of(request: GenerateRequest, at: int, network_of: FindControl) -> dict[str, Any]:
    control = request.control[at]
    network = network_of(control.model)
    wanted = True if control.kind == INPAINT else control.inpaint
    if wanted and not network.takes_mask:
        raise InputRefused(
            f"control.{at}.model", f"{network.name} reads no mask: choose a ControlNet of the kind 2.0 or later."
        )
    source = request.init_image if control.kind == INPAINT else control.image
    return {
        **control.model_dump(include={"options", "scale", "start", "end"}),
        "image": source.input_id if isinstance(source, FromInput) else "",
        "kind": control.made_with,
        "model": network.name,
        "inpaint": network.takes_mask and _is_masked(request) if wanted is None else wanted,
    }


def edit_of(request: GenerateRequest, image: Sized | None, network_of: FindControl) -> dict[str, Any]:
    """Returns the fields of a recipe that say what it is drawn from; none for text to image.

    Raises:
        UnknownControl: there is no ControlNet of a name.
        InputRefused: one is to see a mask and reads none.
    """
    fields = request.model_dump(include=_PLAIN, exclude_none=True)
    fields |= {
        name: source.input_id
        for name in ("init_image", "mask", "base")
        if isinstance(source := getattr(request, name), FromInput)
    }
    if image is not None and request.upscale is not None:
        width, height = size_after(image.width, image.height, request)
        fields["upscale"] = Upscale(width=width, height=height, factor=request.upscale.factor)
    if request.references:
        fields["references"] = [source.input_id for source in request.references if isinstance(source, FromInput)]
    if request.control:
        fields["control"] = [_use_of(request, at, network_of) for at in range(len(request.control))]
    return fields


def refuse_unmade(request: GenerateRequest, find: FindAnnotator) -> None:
    """Refuses a control whose image no model here makes.

    Raises:
        InputRefused: the model is missing; the message says which.
    """
    for at, control in enumerate(request.control):
        if control.made_with not in ANNOTATED:
            continue
        try:
            find(control.made_with)
        except UnknownAnnotator as error:
            field = "kind" if control.preprocessor is None else "preprocessor"
            raise InputRefused(f"control.{at}.{field}", str(error)) from error


def refuse_idle(recipe: Recipe) -> None:
    """Refuses a control or a LoRA whose part of the steps has none whole in it.

    Raises:
        InputRefused: it would do nothing.
    """
    n_steps = recipe.forwards // recipe.draws
    spans = [(f"control.{at}.end", use.start, use.end) for at, use in enumerate(recipe.control or ())]
    spans += [(f"loras.{at}.end", use.start, use.end) for at, use in enumerate(recipe.loras or ())]
    for field, start, end in spans:
        if not any(step / n_steps >= start and (step + 1) / n_steps <= end for step in range(n_steps)):
            raise InputRefused(
                field, f"From {start:g} to {end:g} of {n_steps} steps there is no whole one; let it act longer."
            )
