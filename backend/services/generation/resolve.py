"""A request → a job: model, seed, size and defaults, each decided once."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from backend.models.config import Settings
from backend.models.recipe import Recipe
from backend.models.schemas import GenerateRequest
from backend.services.errors import GuidanceUnused, InputRefused, NegativePromptUnused, StudioError
from backend.services.generation.job import Job
from backend.services.generation.loras import LoraChooser
from backend.services.generation.planning.load_plan import CPU, Hardware, choose_devices
from backend.services.generation.sizes import CPU_MAX_AREA_PX, canvas_size, fit_size, nearest_size
from backend.services.generation.sources import (
    MAX_REFERENCE_AREA_PX,
    NO_IMAGES,
    Images,
    edit_of,
    image_of,
    last_reference,
    refuse_idle,
    refuse_too_large,
    refuse_unmade,
    size_after,
)
from backend.services.library.annotators import Annotators
from backend.services.library.catalogue import Catalogue
from backend.services.library.loras.architectures import Architectures
from backend.services.library.loras.catalogue import LoraCatalogue
from backend.services.library.model_entry import ModelEntry

logger = logging.getLogger(__name__)

MAX_DRAWN_SEED = 2**32 - 1
"""Drawn seeds are short enough to be read aloud; given ones may be longer."""


def draw_seed() -> int:
    """Returns a random seed."""
    return random.SystemRandom().randint(0, MAX_DRAWN_SEED)


class Resolver:
    """Decides what a request leaves open. Safe to use from several threads."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        hardware: Callable[[], Hardware],
        images: Images = NO_IMAGES,
        draw_seed: Callable[[], int] = draw_seed,
        loras: LoraChooser | None = None,
        annotators: Annotators | None = None,
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._hardware = hardware
        self._images = images
        self._draw_seed = draw_seed
        self._annotators = annotators or Annotators(settings)
        self._loras = loras or LoraChooser(LoraCatalogue(settings), Architectures())

    def complete(self, request: GenerateRequest) -> GenerateRequest:
        """Fills in the settings' defaults for what the client left out; an image is drawn at the size that it has.

        Raises:
            InputRefused: an image that is drawn from is not here, or a mask does not fit it.
        """
        defaults = {
            "height": self._settings.default_height,
            "width": self._settings.default_width,
            "num_inference_steps": self._settings.default_num_inference_steps,
        }
        image = image_of(request, self._images)
        if image is not None:
            width, height = canvas_size(*size_after(image.width, image.height, request))
            is_tiled = request.upscale is not None
            defaults["width"] = min(width, defaults["width"]) if is_tiled else width
            defaults["height"] = min(height, defaults["height"]) if is_tiled else height
        elif (last := last_reference(request, self._images)) is not None:
            scale = min(1.0, (MAX_REFERENCE_AREA_PX / (last.width * last.height)) ** 0.5)
            defaults["width"], defaults["height"] = canvas_size(round(last.width * scale), round(last.height * scale))
        missing = {name: value for name, value in defaults.items() if name not in request.model_fields_set}
        return request.model_copy(update=missing)

    def resolve(self, request: GenerateRequest) -> Job:
        """Returns the job that a complete request means, here and now.

        Raises:
            ModelError: the model is unknown, not installed, or does not take the guidance asked for.
            InputRefused: an image that is drawn from is not here, the result would be too large, or a LoRA cannot be
                used.
        """
        model = self._catalogue.resolve(request.model)
        refuse_unused_guidance(request, model)
        refuse_what_it_cannot(request, model)
        refuse_unmade(request, self._annotators.find)
        use_gpu = request.use_gpu and self._has_accelerator()
        width, height = _drawn_size(request, model, use_gpu=use_gpu)
        image = image_of(request, self._images)
        if image is not None:
            refuse_too_large(*size_after(image.width, image.height, request), request)
        chosen = self._loras.choose(request, model)
        recipe = Recipe(
            prompt=chosen.prompt,
            loras=chosen.uses,
            negative_prompt=request.negative_prompt,
            width=width,
            height=height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=model.guidance_scale if request.guidance_scale is None else request.guidance_scale,
            shift=request.shift,
            seed=self._draw_seed() if request.seed is None else request.seed,
            model=model.id,
            **edit_of(request, image, self._catalogue.resolve_control),
        )
        if image is not None:  # what suits the request today is said, so that it can be repeated
            recipe = recipe.model_copy(update={"strength": recipe.drawn_strength})
        refuse_idle(recipe)
        note = "; ".join(filter(None, (describe_changes(request, model, recipe, use_gpu=use_gpu), *chosen.notes)))
        return Job(recipe=recipe, num_images=request.num_images, use_gpu=use_gpu, note=note)

    def _has_accelerator(self) -> bool:
        try:
            devices = choose_devices(self._hardware(), self._settings.devices)
        except StudioError:
            return False  # the task fails with the reason
        except Exception:  # a broken driver raises what it likes; the task meets and reports it
            logger.exception("the hardware could not be detected")
            return False
        return any(device != CPU for device in devices)


def _drawn_size(request: GenerateRequest, model: ModelEntry, *, use_gpu: bool) -> tuple[int, int]:
    max_area = None if use_gpu else CPU_MAX_AREA_PX
    if model.sizes:
        return nearest_size(request.width, request.height, model.sizes, max_area)
    return fit_size(request.width, request.height, multiple=model.size_multiple, max_area=max_area)


def describe_changes(request: GenerateRequest, model: ModelEntry, recipe: Recipe, *, use_gpu: bool) -> str:
    """Says in words what the image will have that the request did not ask for; empty when there is nothing."""
    notes = []
    if request.use_gpu and not use_gpu:
        notes.append("no GPU is available, so the CPU is used")
    if (recipe.width, recipe.height) != (request.width, request.height):
        reason = _reason(request, model, use_gpu=use_gpu)
        notes.append(f"{request.width}×{request.height} became {recipe.width}×{recipe.height} ({reason})")
    if recipe.negative_prompt and recipe.guidance_scale == 0:
        notes.append("without guidance the negative prompt has no effect")
    return "; ".join(notes)


def _reason(request: GenerateRequest, model: ModelEntry, *, use_gpu: bool) -> str:
    if model.sizes:
        return f"{model.name} draws {', '.join(f'{width}×{height}' for width, height in model.sizes)}"
    if not use_gpu and request.width * request.height > CPU_MAX_AREA_PX:
        return "the CPU limit of 512×512 pixels"
    return f"the model's grid of {model.size_multiple} pixels"


def refuse_what_it_cannot(request: GenerateRequest, model: ModelEntry) -> None:
    """Raises when a request draws from images in a way that its model does not.

    Raises:
        InputRefused: the field is the one that is too much.
    """
    if model.is_omni:
        for name in ("init_image", "control"):
            if getattr(request, name):
                raise InputRefused(name, f"{model.name} takes none: send what is to change as one of `references`.")
    elif request.references:
        raise InputRefused(
            "references", f"{model.name} reads none, only a model of the Omni variant does: send one as `init_image`."
        )


def refuse_unused_guidance(request: GenerateRequest, model: ModelEntry) -> None:
    """Raises when a request asks for what its model does not do, rather than to leave it out in silence.

    Raises:
        GuidanceUnused: another guidance scale than the default, of a model that is not guided.
        NegativePromptUnused: a negative prompt, of a model that takes none.
    """
    scale = request.guidance_scale
    if scale is not None and scale != model.guidance_scale and not model.guided:
        raise GuidanceUnused(
            f"{model.name} is not guided: leave guidance_scale out, or send {model.guidance_scale:g}, not {scale:g}."
        )
    if request.negative_prompt and not model.negative_prompt:
        raise NegativePromptUnused(f"{model.name} takes no negative prompt: leave it out, or choose another model.")
