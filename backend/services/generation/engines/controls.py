"""Controls of a recipe for the native library: ControlNets in memory, and images made into what they read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from backend.models.recipe import ANNOTATED, INPAINT, ControlUse, Recipe
from backend.services.errors import ControlUnusable, InputUnusable, ModelBroken
from backend.services.generation.engines.memory import first_line, free_memory
from backend.services.generation.inputs import Inputs
from backend.services.library.files import Signature, signature_of

if TYPE_CHECKING:
    from zimage import ZImagePipeline
    from zimage.adapters.controlnet import ControlNet
    from zimage.adapters.controls import Control

logger = logging.getLogger(__name__)


Hole = tuple[Image.Image, Image.Image]
"""An image, and its mask: white is repainted."""


@dataclass(frozen=True)
class ControlInput:
    """A control with what its recipe names.

    Attributes:
        use: as the recipe has it.
        file: of the ControlNet.
        image: as it was given, of any mode and size; or the control image that a model has made of it.
        is_made: whether it is that.
    """

    use: ControlUse
    file: Path
    image: Image.Image
    is_made: bool = False

    def cut(self, cut: Callable[[Image.Image, bool], Image.Image]) -> ControlInput:
        """Returns the control for what is drawn of an image."""
        is_on_black = self.use.kind == "finished" or (self.is_made and self.use.kind == "pose")
        return replace(self, image=cut(self.image, is_on_black))


def controls_of(recipe: Recipe, inputs: Inputs) -> list[ControlInput]:
    """Returns the controls of a recipe, with what they name.

    Raises:
        InputUnusable: an image or a ControlNet is not here.
    """
    return [_control(at, use, inputs) for at, use in enumerate(recipe.control or ())]


def _control(at: int, use: ControlUse, inputs: Inputs) -> ControlInput:
    file, made = inputs.control_file(use.model), inputs.made.get(at)
    if made is None and use.kind in ANNOTATED and use.scale > 0:
        raise InputUnusable(f"The {use.kind} image of a control has not been made.")
    return ControlInput(use, file, inputs.image(use.image) if made is None else made, made is not None)


def refuse_controls(recipe: Recipe, why: str) -> None:
    """Raises when there are any, rather than to leave them out in silence.

    Raises:
        ControlUnusable: there are.
    """
    if recipe.control:
        raise ControlUnusable(f"{why}: choose ZIMAGE_ENGINE=auto or native, or leave the control out.")


class LoadedControls:
    """ControlNets in memory: those of the last image, until the model is replaced."""

    def __init__(self) -> None:
        self._nets: dict[tuple[Path, Signature], ControlNet] = {}

    def make(
        self,
        inputs: Sequence[ControlInput],
        pipeline: ZImagePipeline,
        size: tuple[int, int],
        hole: Hole | None = None,
    ) -> list[Control]:
        """Loads what is not in memory, frees what is no more needed, and encodes the images.

        Args:
            inputs: what is asked for.
            pipeline: the model.
            size: width and height of the drawn image.
            hole: what is repainted of it; None for all.

        Raises:
            ModelBroken: a file is missing, damaged, or for another model.
            ControlUnusable: a control is one that its ControlNet does not take.
        """
        active = [one for one in inputs if one.use.scale > 0]
        wanted = {one.file: (one.file, _signature(one)) for one in active}
        stale = self._nets.keys() - wanted.values()
        for key in stale:
            del self._nets[key]
        if stale:
            free_memory()
        for one in active:
            if wanted[one.file] not in self._nets:
                self._nets[wanted[one.file]] = _load(one, pipeline)
        return [_make(one, self._nets[wanted[one.file]], pipeline, size, hole) for one in active]

    def clear(self) -> None:
        """Forgets all."""
        self._nets.clear()


def _signature(one: ControlInput) -> Signature:
    try:
        return signature_of(one.file)
    except OSError as error:
        raise ModelBroken(f"The ControlNet {one.use.model} cannot be read: {error.strerror}.") from error


def _load(one: ControlInput, pipeline: ZImagePipeline) -> ControlNet:
    from zimage.errors import PartError

    try:
        return pipeline.load_controlnet(one.file)
    except PartError as error:
        logger.error("%s: %s", one.use.model, error)
        reason = first_line(error).removeprefix(f"{error.part}: ").replace(str(one.file), one.file.name)
        raise ModelBroken(f"The ControlNet {one.use.model} cannot be loaded: {reason}.") from error


def _make(
    one: ControlInput, net: ControlNet, pipeline: ZImagePipeline, size: tuple[int, int], hole: Hole | None
) -> Control:
    from zimage.conditions.control import make_control
    from zimage.errors import ConditionError, ConfigError

    use = one.use
    if use.inpaint and hole is None:
        raise ControlUnusable(f"The control of {use.model} is to see a mask, and there is none.")
    masked, mask = hole if hole is not None and use.inpaint else (None, None)
    try:
        image = None if use.kind == INPAINT else _control_image(one, size)
        return make_control(
            net, pipeline.vae, size, image, masked=masked, mask=mask,
            scale=use.scale, start=use.start, end=use.end, tiles=pipeline.vae_tiles,
        )  # fmt: skip
    except (ConditionError, ConfigError) as error:
        raise ControlUnusable(f"The control of {use.model} cannot be used: {first_line(error)}.") from error


def _control_image(one: ControlInput, size: tuple[int, int]) -> Image.Image:
    from zimage.conditions.preprocess import FINISHED, control_image

    if one.is_made:
        return control_image(one.image, FINISHED, size)
    return control_image(one.image, one.use.kind, size, **(one.use.options or {}))
