"""Takes the native engine for what it supports, and diffusers for the rest."""

from __future__ import annotations

from PIL import Image

from backend.models.recipe import Recipe
from backend.services.generation.engines.base import Engine
from backend.services.generation.engines.native import NativeEngine
from backend.services.generation.events import Emit, IsCancelled
from backend.services.generation.inputs import NO_INPUTS, Inputs
from backend.services.generation.planning.load_plan import LoadPlan
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap


class AutoEngine:
    """One of two engines at a time, chosen anew with every model."""

    def __init__(self, native: NativeEngine, other: Engine) -> None:
        self._native = native
        self._other = other
        self._chosen: Engine = native

    def prepare(self) -> None:
        """Imports what most models need; the other engine's libraries follow with the first model that needs them."""
        self._native.prepare()

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        """Loads a model with the engine that suits it; see `Engine.load`."""
        chosen = self._native if self._native.supports(files) else self._other
        if chosen is not self._chosen:
            self._chosen.unload()
        self._chosen = chosen
        self._chosen.load(files, plan, preview_map)

    def generate(
        self, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs = NO_INPUTS, partial_images: int = 0
    ) -> Image.Image | None:
        """Draws an image; see `Engine.generate`."""
        return self._chosen.generate(recipe, emit, cancelled, inputs, partial_images)

    def unload(self) -> None:
        """Frees the model's memory."""
        self._chosen.unload()
