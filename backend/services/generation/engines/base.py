"""The protocol between the generator and whatever computes the picture."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from PIL import Image

from backend.models.recipe import Recipe, count_forwards
from backend.services.generation.events import Emit, IsCancelled, Preview, Step
from backend.services.generation.load_plan import LoadPlan
from backend.services.generation.preview import PreviewPixels
from backend.services.library.preview_map import PreviewMap


class Engine(Protocol):
    """Runs one model at a time, on the thread that calls it."""

    def prepare(self) -> None:
        """Imports what is slow to import; called before the first task is there."""

    def load(self, path: Path, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        """Loads a model folder; replaces what was loaded. Without a preview map there are no previews.

        Raises:
            ModelBroken: the weights cannot be read.
            OutOfMemory: they do not fit.
        """

    def generate(self, recipe: Recipe, emit: Emit, cancelled: IsCancelled) -> Image.Image | None:
        """Draws an image; the loaded model stays usable whatever this raises.

        Emits `Step` before the first forward and after every one, each but the first after a `Preview` where there is
        one; then asks whether it is cancelled.

        Returns:
            The image; None when it was cancelled, and nothing was decoded.

        Raises:
            OutOfMemory: the image does not fit into the device's memory.
            BlankPicture: the model produced NaN.
        """

    def unload(self) -> None:
        """Frees the model's memory."""


class Interrupted(Exception):
    """Ends a library's loop from inside its callback; never leaves the engine."""


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


def linear_sigmas(num_inference_steps: int) -> list[float]:
    """Returns the unshifted noise levels of a schedule of N points, without the final 0.

    The scheduler applies its own shift to them, so that 9 points at shift 3 give the 8 forwards of Turbo:
    1, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3. diffusers 0.39 gave N another meaning, hence the explicit list.
    """
    forwards = count_forwards(num_inference_steps)
    return [1 - step / forwards for step in range(forwards)]
