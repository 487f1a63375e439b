"""Controls of a recipe for the native library: ControlNets in memory, and images made into what they read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from backend.models.recipe import INPAINT, ControlUse, Recipe
from backend.services.errors import ControlUnusable, ModelBroken
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
        image: as it was given, of any mode and size.
    """

    use: ControlUse
    file: Path
    image: Image.Image

    def cut(self, cut: Callable[[Image.Image, bool], Image.Image]) -> ControlInput:
        """Returns the control for what is drawn of an image."""
        return replace(self, image=cut(self.image, self.use.kind == "finished"))


def controls_of(recipe: Recipe, inputs: Inputs) -> list[ControlInput]:
    """Returns the controls of a recipe, with what they name.

    Raises:
        InputUnusable: an image or a ControlNet is not here.
    """
    return [ControlInput(use, inputs.control_file(use.model), inputs.image(use.image)) for use in recipe.control or ()]


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
    from zimage.conditions.preprocess import control_image
    from zimage.errors import ConditionError, ConfigError

    use = one.use
    if use.inpaint and hole is None:
        raise ControlUnusable(f"The control of {use.model} is to see a mask, and there is none.")
    masked, mask = hole if hole is not None and use.inpaint else (None, None)
    try:
        image = None if use.kind == INPAINT else control_image(one.image, use.kind, size, **(use.options or {}))
        return make_control(
            net, pipeline.vae, size, image, masked=masked, mask=mask,
            scale=use.scale, start=use.start, end=use.end, tiles=pipeline.vae_tiles,
        )  # fmt: skip
    except (ConditionError, ConfigError) as error:
        raise ControlUnusable(f"The control of {use.model} cannot be used: {first_line(error)}.") from error
