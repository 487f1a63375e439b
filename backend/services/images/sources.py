"""Images that requests name, as inputs: kept when a request comes, read when it is drawn."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from PIL import Image

from backend.models.edit import ControlImageRequest, ControlRequest, FromInput, ImageSource, MaskImageRequest
from backend.models.recipe import ANNOTATED, AnnotatedKind, LoraUse, Recipe
from backend.models.schemas import MAX_SIDE_PX, GenerateRequest
from backend.services.errors import (
    ControlUnusable,
    InputRefused,
    InputUnusable,
    ModelBroken,
    OutOfMemory,
    UnknownAnnotator,
    UnknownImage,
    UnknownInput,
)
from backend.services.generation.annotating import Annotator
from backend.services.generation.inputs import Inputs, ReadInputs
from backend.services.images.inputs import Input, InputStore
from backend.services.images.store import HistoryStore
from backend.utils.zimage_library import make_importable


class SourceKeeper:
    """Makes inputs of what requests name."""

    def __init__(self, inputs: InputStore, history: HistoryStore, annotator: Annotator) -> None:
        self._inputs = inputs
        self._annotator = annotator
        self._history = history
        self._preprocessing = threading.Lock()
        self._is_black = functools.lru_cache(maxsize=256)(lambda input_id: is_black(inputs.read(input_id)))

    def keep(self, request: GenerateRequest, owner: str | None) -> GenerateRequest:
        """Returns a request that names inputs only, all of which are here.

        Raises:
            InputRefused: one is not here, is an image that the client may not see, or is a mask that masks nothing.
            DiskFull: an image of the history cannot be kept as an input.
        """
        if request.init_image is None and not request.control and not request.references:
            return request
        changes: dict[str, object] = {
            name: self._id_of(source, name, owner)
            for name in ("init_image", "mask", "base")
            if (source := getattr(request, name)) is not None
        }
        if request.control:
            changes["control"] = [
                self._with_id(control, f"control.{at}.image", owner) for at, control in enumerate(request.control)
            ]
        if request.references:
            changes["references"] = [
                self._id_of(source, f"references.{at}", owner) for at, source in enumerate(request.references)
            ]
        kept = request.model_copy(update=changes)
        self._refuse_black(kept)
        return kept

    def _refuse_black(self, request: GenerateRequest) -> None:
        if not isinstance(request.mask, FromInput) or request.outpaint is not None or request.upscale is not None:
            return
        try:
            if not self._is_black(request.mask.input_id):
                return
        except UnknownInput as error:
            raise InputRefused("mask", str(error)) from error
        raise InputRefused(
            "mask", "The mask is black everywhere, so nothing would change: paint white what is to be drawn anew."
        )

    def make_control(self, request: ControlImageRequest, owner: str | None) -> Input:
        """Makes the control image that a request means, and keeps it.

        Raises:
            InputRefused: the image is not here, the model of the kind is missing, or the options are none of it.
            DiskFull: it cannot be kept.
        """
        image = self._inputs.read(self._id_of(request.image, "image", owner).input_id)
        image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS)  # none is drawn larger
        with self._preprocessing:
            made = self._annotate(image, request) if request.kind in ANNOTATED else _preprocess(image, request)
        return self._inputs.add_image(made)[0]

    def _annotate(self, image: Image.Image, request: ControlImageRequest) -> Image.Image:
        """Uses a model, on the processor: the cards are for those that draw."""
        try:
            return self._annotator.annotate(image, cast("AnnotatedKind", request.kind), request.options)
        except ControlUnusable as error:
            raise InputRefused("options" if request.options else "image", str(error)) from error
        except (UnknownAnnotator, ModelBroken) as error:
            raise InputRefused("kind", str(error)) from error
        except OutOfMemory as error:
            raise InputRefused("image", str(error)) from error

    def make_mask(self, request: MaskImageRequest, owner: str | None) -> Input:
        """Makes a mask of what is transparent in an image, and keeps it.

        Raises:
            InputRefused: the image is not here, or is opaque.
            DiskFull: it cannot be kept.
        """
        make_importable()
        from zimage.conditions.images import alpha_mask

        mask = alpha_mask(self._inputs.read(self._id_of(request.image, "image", owner).input_id))
        if mask is None:
            raise InputRefused("image", "Nothing of this image is transparent: send a mask that is painted.")
        return self._inputs.add_image(mask)[0]

    def _with_id(self, control: ControlRequest, field: str, owner: str | None) -> ControlRequest:
        if control.image is None:
            return control
        return control.model_copy(update={"image": self._id_of(control.image, field, owner)})

    def _id_of(self, source: ImageSource, field: str, owner: str | None) -> FromInput:
        try:
            if isinstance(source, FromInput):
                return FromInput(input_id=self._inputs.get(source.input_id).id)
            if not self._history.own([source.image_id], owner):
                raise UnknownImage
            return FromInput(input_id=self._inputs.add_file(self._history.image_path(source.image_id))[0].id)
        except (UnknownImage, UnknownInput) as error:
            raise InputRefused(field, str(error)) from error


def _preprocess(image: Image.Image, request: ControlImageRequest) -> Image.Image:
    make_importable()
    from zimage.conditions.preprocess import preprocess
    from zimage.errors import ConditionError, ConfigError

    try:
        return preprocess(image, request.kind, **(request.options or {}))
    except (ConditionError, ConfigError) as error:
        raise InputRefused("options", f"{str(error)[:1].upper()}{str(error)[1:]}.") from error


def is_black(mask: Image.Image) -> bool:
    """Tells whether a mask is black everywhere; what is transparent is."""
    flat = mask
    if mask.mode == "RGBA":
        flat = Image.new("RGB", mask.size)
        flat.paste(mask, mask=mask.getchannel("A"))
    return flat.convert("L").getbbox() is None


class ImageReader(Protocol):
    """Where inputs are."""

    def read(self, input_id: str) -> Image.Image:
        """Returns the pixels of an input.

        Raises:
            UnknownInput: It is not there.
        """


def read_from(
    store: ImageReader, find_control: Callable[[str], Path], find_lora: Callable[[LoraUse], Path]
) -> ReadInputs:
    """Returns what gives an engine the images, the ControlNets and the LoRAs that a recipe names."""

    def read(recipe: Recipe) -> Inputs:
        try:
            images = {input_id: store.read(input_id) for input_id in recipe.inputs}
        except UnknownInput as error:
            raise InputUnusable("An image that it is drawn from is not here any more: send it again.") from error
        return Inputs(
            images,
            control_files={use.model: find_control(use.model) for use in recipe.control or ()},
            lora_files={use.name: find_lora(use) for use in recipe.loras or ()},
        )

    return read
