"""The protocol between the generator and whatever computes the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PIL import Image

from backend.services.planner import LoadPlan
from backend.services.preview import PreviewMap, PreviewPixels

MAX_PROMPT_TOKENS = 512
"""Z-Image was trained on captions of at most this many tokens, template included; the rest is cut."""


@dataclass(frozen=True)
class EngineRequest:
    """One picture, everything decided; without a preview map no previews are wanted."""

    prompt: str
    width_px: int
    height_px: int
    num_inference_steps: int
    guidance_scale: float
    seed: int
    negative_prompt: str = ""
    """Without effect when the guidance scale is 0."""
    preview_map: PreviewMap | None = None


@dataclass(frozen=True)
class StepEvent:
    """A forward of the model has finished; with 0 forwards done, the prompt is encoded and the first one begins."""

    forwards_done: int
    forwards_total: int
    preview: PreviewPixels | None = field(default=None, compare=False)


OnStep = Callable[[StepEvent], None]
"""Called before the first forward and after every one; may raise to end the generation before anything is decoded."""


class Engine(Protocol):
    """Runs one model at a time, on the thread that calls it."""

    def prepare(self) -> None:
        """Imports what is slow to import; called before the first task is there."""

    def load(self, path: Path, plan: LoadPlan) -> None:
        """Loads a model folder; replaces what was loaded.

        Raises:
            ModelBroken: the weights cannot be read.
            OutOfMemory: they do not fit.
        """

    def generate(self, request: EngineRequest, on_step: OnStep) -> list[Image.Image]:
        """Draws; the loaded model stays usable whatever this raises.

        Raises:
            OutOfMemory: the picture does not fit into the device's memory.
            BlankPicture: the model produced NaN.
        """

    def unload(self) -> None:
        """Frees the model's memory."""


def count_forwards(num_inference_steps: int) -> int:
    """Returns how often the model runs: N counts the points of the schedule, the last of which is the picture."""
    return max(1, num_inference_steps - 1)
