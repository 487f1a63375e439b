"""The images of an edit: read from a form, fitted to the size, kept as inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from PIL import Image, ImageOps

from backend.api.compat.openai.orders import Size, Values
from backend.models.recipe import MAX_REFERENCES
from backend.services.errors import InputRefused, UnreadableImage
from backend.services.images.fitting import fit_image
from backend.services.images.inputs import InputStore


@dataclass(frozen=True)
class EditFiles:
    """Files of a form."""

    images: Sequence[BinaryIO]
    mask: BinaryIO | None
    are_references: bool = False
    """Whether the model draws from them as the prompt tells, instead of beginning from one."""

    @property
    def placeholders(self) -> Values:
        """Fields of a request that name the files before they are kept."""
        if self.are_references:
            return {"references": [{"input_id": "0" * 64}] * len(self.images[:MAX_REFERENCES])}
        names = ["init_image", *(["mask"] if self.mask is not None else [])]
        return {name: {"input_id": "0" * 64} for name in names}


def keep_files(files: EditFiles, size: Size | None, inputs: InputStore) -> Values:
    """Keeps the image and the mask; returns the fields of a request that name them.

    Where a size is asked for that is not the image's, both are scaled to cover it, and cut around their middle.
    References stay as they are.

    Raises:
        InputRefused: there is no image, there are too many, or the mask marks nothing.
        UnreadableImage: a file is no image.
        DiskFull: there is no room.
    """
    if not files.images:
        raise InputRefused("image", "An edit needs an image.")
    if files.are_references:
        return _keep_references(files, inputs)
    if len(files.images) > 1:
        raise InputRefused(
            "image",
            f"{len(files.images)} images came: an edit begins from one. Others can guide it as `control` images; only "
            "a model of the Omni variant draws from several.",
        )
    image = _read(files.images[0], "image", inputs)
    fields: Values = {}
    if files.mask is not None:
        mask = as_grey_mask(_read(files.mask, "mask", inputs))
        if mask.size != image.size:
            raise InputRefused(
                "mask",
                f"The mask has {mask.width}x{mask.height} pixels, the image {image.width}x{image.height}; "
                "they must lie on each other.",
            )
        fields["mask"] = {"input_id": inputs.add_image(fit_image(mask, size or mask.size, "crop"))[0].id}
    fields["init_image"] = {"input_id": inputs.add_image(fit_image(image, size or image.size, "crop"))[0].id}
    return fields


def _keep_references(files: EditFiles, inputs: InputStore) -> Values:
    if files.mask is not None:
        raise InputRefused("mask", "A model of the Omni variant takes no mask: say in the prompt what is to change.")
    if len(files.images) > MAX_REFERENCES:
        raise InputRefused("image", f"{len(files.images)} images came; up to {MAX_REFERENCES} are read.")
    kept = [inputs.add_image(_read(file, "image", inputs))[0].id for file in files.images]
    return {"references": [{"input_id": input_id} for input_id in kept]}


def as_grey_mask(mask: Image.Image) -> Image.Image:
    """Returns a mask in which white is drawn anew.

    With any transparency its alpha counts, and transparent is drawn anew. Without, its brightness counts.

    Raises:
        InputRefused: it marks nothing.
    """
    clear = ImageOps.invert(mask.getchannel("A")) if mask.mode == "RGBA" else None
    grey = clear if clear is not None and clear.getbbox() else mask.convert("RGB").convert("L")
    if grey.getbbox() is None:
        raise InputRefused("mask", "The mask marks nothing: make transparent, or white, what is to be drawn anew.")
    return grey


def _read(file: BinaryIO, field: str, inputs: InputStore) -> Image.Image:
    try:
        kept, _ = inputs.add(file)
    except UnreadableImage as error:
        raise InputRefused(field, str(error)) from error
    return inputs.read(kept.id)
