"""The images that a recipe names: source, mask. By the digest of their content, as plain Pillow images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import InputUnusable


@dataclass(frozen=True)
class Inputs:
    """Images by digest. Nobody changes them."""

    images: Mapping[str, Image.Image] = field(default_factory=dict)
    control_files: Mapping[str, Path] = field(default_factory=dict)
    """Of the ControlNets that a recipe names, by name."""
    lora_files: Mapping[str, Path] = field(default_factory=dict)
    """Of the LoRAs that a recipe names, by name."""
    made: Mapping[int, Image.Image] = field(default_factory=dict)
    """Control images that a model has made, by the place of their control in the recipe."""

    def image(self, digest: str) -> Image.Image:
        """Returns an image.

        Raises:
            InputUnusable: it is not here.
        """
        try:
            return self.images[digest]
        except KeyError:
            raise InputUnusable(f"The input image {digest[:12]}… is not here any more: send it again.") from None

    def control_file(self, name: str) -> Path:
        """Returns the file of a ControlNet.

        Raises:
            InputUnusable: it is not here.
        """
        if name not in self.control_files:
            raise InputUnusable(f"The ControlNet {name} is not here any more.")
        return self.control_files[name]

    def lora_file(self, name: str) -> Path:
        """Returns the file of a LoRA.

        Raises:
            InputUnusable: it is not here.
        """
        if name not in self.lora_files:
            raise InputUnusable(f"The LoRA {name} is not here any more.")
        return self.lora_files[name]


NO_INPUTS = Inputs()
ReadInputs = Callable[[Recipe], Inputs]
"""Reads the images that a recipe names; may raise `InputUnusable`."""


def read_none(_recipe: Recipe) -> Inputs:
    """Reads nothing; a recipe that names an image is then refused by the engine."""
    return NO_INPUTS


def refuse_contradictions(recipe: Recipe) -> None:
    """Raises when what a recipe asks for does not go together.

    Raises:
        InputUnusable: the message says what is missing or too much.
    """
    if recipe.init_image is None:
        named = ("strength", "mask", "mask_mode", "feather", "outpaint", "upscale")
        alone = [name for name in named if getattr(recipe, name) is not None]
        if alone:
            raise InputUnusable(f"{', '.join(alone)} needs init_image, the image to begin from.")
        return
    if recipe.outpaint is not None and not any(recipe.outpaint.model_dump().values()):
        raise InputUnusable("outpaint adds nothing: top, right, bottom or left must be above 0.")
    if recipe.mask_mode == "only_masked" and recipe.mask is None and recipe.outpaint is None:
        raise InputUnusable("mask_mode only_masked needs a mask.")
    if recipe.feather is not None and recipe.mask is None and recipe.outpaint is None:
        raise InputUnusable("feather needs a mask or outpaint: without them all of the image is drawn.")
    if recipe.upscale is not None and (recipe.outpaint is not None or recipe.mask_mode == "only_masked"):
        raise InputUnusable("upscale goes with no outpaint and not with only_masked: do one after the other.")
    if recipe.upscale is not None and recipe.feather is not None:
        raise InputUnusable("upscale goes with no feather.")
