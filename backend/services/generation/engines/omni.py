"""Images of the Omni variant, drawn from reference images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.errors import InputUnusable
from backend.services.generation.engines.base import levels_for
from backend.services.generation.inputs import Inputs

if TYPE_CHECKING:
    import torch
    from zimage import ZImagePipeline
    from zimage.omni import ZImageOmniPipeline
    from zimage.outputs import StepEvent

NOT_FOR_OMNI = ("init_image", "control")


def as_omni(pipeline: ZImagePipeline) -> ZImageOmniPipeline | None:
    """Returns the pipeline of the Omni variant; None for another one."""
    from zimage.omni import ZImageOmniPipeline

    return pipeline if isinstance(pipeline, ZImageOmniPipeline) else None


def refuse_references(recipe: Recipe, why: str) -> None:
    """Raises when there are any, rather than to leave them out in silence.

    Raises:
        InputUnusable: there are.
    """
    if recipe.references:
        raise InputUnusable(f"{why}: leave `references` out, or begin from one of them with `init_image`.")


def draw_omni(
    pipeline: ZImageOmniPipeline,
    recipe: Recipe,
    inputs: Inputs,
    generator: torch.Generator,
    on_step: Callable[[StepEvent], None],
) -> Image.Image:
    """Draws the image of a recipe from its references.

    Raises:
        InputUnusable: a reference cannot be used, or the recipe asks for what the variant does not do.
    """
    from zimage.errors import ConditionError

    if asked := [name for name in NOT_FOR_OMNI if getattr(recipe, name) is not None]:
        raise InputUnusable(
            f"{recipe.model} takes no {' and no '.join(asked)}: what is to change is one of `references`."
        )
    references = [inputs.image(input_id) for input_id in recipe.references or ()]
    try:
        [image] = pipeline(
            recipe.prompt,
            references=references,
            negative_prompt=recipe.negative_prompt,
            width=recipe.width,
            height=recipe.height,
            sigmas=levels_for(recipe, pipeline.scheduler.config.shift),
            guidance_scale=recipe.guidance_scale,
            generator=generator,
            on_step=on_step,
        ).images
    except ConditionError as error:
        raise InputUnusable(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
    return image
