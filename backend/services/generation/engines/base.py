"""The protocol between the generator and whatever computes the picture."""

from __future__ import annotations

from typing import Protocol

from PIL import Image

from backend.models.recipe import Recipe, count_forwards
from backend.services.generation.events import Emit, IsCancelled, Preview, Step
from backend.services.generation.inputs import NO_INPUTS, Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.generation.preview import PreviewPixels
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap


class Engine(Protocol):
    """Runs one model at a time, on the thread that calls it."""

    def prepare(self) -> None:
        """Imports what is slow to import; called before the first task is there."""

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        """Loads a model; replaces what was loaded. Without a preview map there are no previews.

        Raises:
            ModelBroken: the weights cannot be read.
            OutOfMemory: they do not fit.
        """

    def generate(
        self, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs = NO_INPUTS
    ) -> Image.Image | None:
        """Draws an image; the loaded model stays usable whatever this raises.

        `controls` are those of the recipe, with what they name.

        Emits `Step` before the first forward and after every one, each but the first after a `Preview` where there is
        one; then asks whether it is cancelled.

        Returns:
            The image; None when it was cancelled, and nothing was decoded.

        Raises:
            OutOfMemory: the image does not fit into the device's memory.
            BlankPicture: the model produced NaN.
            InputUnusable: an input image is missing, or cannot be used.
            ControlUnusable: a control is one that the engine or its ControlNet does not take.
            LoraUnusable: a LoRA is damaged, for another model, or of a kind that is not read.
            ModelBroken: a ControlNet cannot be read.
        """

    def unload(self) -> None:
        """Frees the model's memory."""


class Interrupted(Exception):
    """Ends a library's loop from inside its callback; never leaves the engine."""


def levels_for(recipe: Recipe, own_shift: float) -> list[float]:
    """Returns the noise levels for a scheduler that itself moves them by `own_shift`; the final 0 is left out.

    Moving by a after moving by b is moving by a·b, so what the scheduler adds is left out here.
    """
    from zimage.conditions.strength import source_sigmas

    scale = 1.0 if recipe.shift is None else recipe.shift / own_shift
    levels = source_sigmas(count_forwards(recipe.num_inference_steps), recipe.drawn_strength)
    return [scale * level / (1 + (scale - 1) * level) for level in levels]


def report_begin(emit: Emit, cancelled: IsCancelled, forwards_before: int, total: int) -> None:
    """Emits the step before the first forward of an image; before that of a further tile it only asks.

    Raises:
        Interrupted: it was cancelled.
    """
    if forwards_before:
        _go_on(cancelled)
    else:
        report_step(emit, cancelled, Step(0, total))


def report_step(emit: Emit, cancelled: IsCancelled, step: Step, preview: PreviewPixels | None = None) -> None:
    """Emits a step, after its preview where there is one, and asks whether to go on.

    Raises:
        Interrupted: it was cancelled, during the forward or by whoever heard of it.
    """
    _go_on(cancelled)
    if preview is not None:
        emit(Preview(preview))
    emit(step)
    _go_on(cancelled)


def _go_on(cancelled: IsCancelled) -> None:
    if cancelled():
        raise Interrupted
