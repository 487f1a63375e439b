"""Control images that a model makes, before the drawing: loaded for it and let go, on the device that draws."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from PIL import Image

from backend.models.recipe import ANNOTATED, AnnotatedKind, Recipe
from backend.services.errors import ControlUnusable, ModelBroken, OutOfMemory
from backend.services.generation.engines.faults import is_device_fault, is_lack_of_memory
from backend.services.generation.engines.memory import first_line, free_memory, translate_oom
from backend.services.generation.events import IsCancelled
from backend.services.generation.inputs import Inputs
from backend.services.generation.planning.load_plan import CPU
from backend.services.library.annotators import Annotators
from backend.utils.zimage_library import make_importable

if TYPE_CHECKING:
    from zimage.annotators.folders import AnnotatorFiles

logger = logging.getLogger(__name__)


class Annotator:
    """Makes control images with the models that lie in folders here. Safe to use from several threads."""

    def __init__(self, folders: Annotators, loading: threading.Lock) -> None:
        """Reads nothing yet.

        Args:
            folders: where the models lie.
            loading: held while a model is loaded: libraries set global defaults meanwhile.
        """
        self._folders = folders
        self._loading = loading

    def annotate(
        self, image: Image.Image, kind: AnnotatedKind, options: Mapping[str, float] | None = None, device: str = CPU
    ) -> Image.Image:
        """Returns the control image of a kind, as large as the image; a card without room leaves it to the processor.

        Raises:
            UnknownAnnotator: there is no model for it.
            ModelBroken: a file of the model is missing or damaged.
            ControlUnusable: an option is none of the kind, or the image shows nobody.
            OutOfMemory: the main memory is full.
        """
        files = self._folders.find(kind)
        make = partial(self._make, files, image, dict(options or {}))
        if device != CPU:
            try:
                return translate_oom(partial(make, device))
            except OutOfMemory:
                logger.warning("%s has no room for %s, which runs on the processor", device, files.model.name)
            finally:
                free_memory()
        return translate_oom(partial(make, CPU))

    def complete(self, recipe: Recipe, inputs: Inputs, device: str, cancelled: IsCancelled) -> Inputs:
        """Returns the inputs of a recipe with the control images that models make; see `annotate`."""
        made = dict(inputs.made)
        for at, use in enumerate(recipe.control or ()):
            if use.kind not in ANNOTATED or use.scale == 0 or cancelled():
                continue
            made[at] = self.annotate(inputs.image(use.image), use.kind, use.options, device)
        return replace(inputs, made=made) if made else inputs

    def _make(
        self, files: AnnotatorFiles, image: Image.Image, options: Mapping[str, float], device: str
    ) -> Image.Image:
        make_importable()
        from transformers.utils import logging as transformers_logging
        from zimage.annotators.annotate import open_annotator
        from zimage.conditions.images import to_rgb
        from zimage.errors import ConditionError, ConfigError, NotFiniteError, WeightsError

        transformers_logging.disable_progress_bar()
        try:
            with self._loading:
                see = open_annotator(files, device, **options)
            return see(to_rgb(image))
        except WeightsError as error:
            logger.error("%s: %s", files.model.path, error)
            raise ModelBroken(f"A {files.kind} image cannot be made: {first_line(error)}.") from error
        except (ConditionError, ConfigError, NotFiniteError) as error:
            raise ControlUnusable(f"A {files.kind} image cannot be made: {first_line(error)}.") from error
        except Exception as error:
            if is_lack_of_memory(error) or is_device_fault(error):
                raise
            logger.exception("%s does not run", files.model.path)  # whoever put it there has put it together so
            reason = f"{files.model.name} does not run ({first_line(error)})"
            raise ModelBroken(f"A {files.kind} image cannot be made: {reason}.") from error
