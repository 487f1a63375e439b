"""One request → one picture: which model, on which device, at which size."""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from PIL import Image

from backend.models.config import Settings
from backend.models.schemas import MAX_SEED, MIN_SIDE_PX, GenerateRequest
from backend.services.catalogue import Catalogue, Model, refuse_unused_guidance
from backend.services.engines.base import Engine, EngineRequest, OnStep, StepEvent
from backend.services.engines.faults import is_device_fault
from backend.services.errors import BlankPicture, DeviceFault, ModelBroken, OutOfMemory
from backend.services.planner import CPU_MAX_AREA_PX, Hardware, LoadPlan, Weights, fit_size, nearest_size, plan_load
from backend.services.preview import PreviewPixels
from backend.utils.zimage_library import make_importable

logger = logging.getLogger(__name__)


class Phase(StrEnum):
    """What a generation is busy with."""

    LOADING = "loading"
    DENOISING = "denoising"


@dataclass(frozen=True)
class PhaseTimes:
    """Seconds of one picture's phases; None for those that did not end (yet)."""

    load_s: float | None = None
    encode_s: float | None = None
    denoise_s: float | None = None
    decode_s: float | None = None


@dataclass(frozen=True)
class Progress:
    """Plain data for whoever watches a generation."""

    phase: Phase
    forwards_done: int = 0
    note: str = ""
    times: PhaseTimes = field(default=PhaseTimes(), compare=False)
    preview: PreviewPixels | None = field(default=None, compare=False)


OnProgress = Callable[[Progress], None]
"""Called at every phase and after every forward; may raise to end the generation."""


@dataclass(frozen=True)
class GeneratedImage:
    """A picture in memory, and how it came about."""

    image: Image.Image
    prompt: str
    num_inference_steps: int
    guidance_scale: float
    seed: int
    model: str
    device: str
    generation_time_ms: float
    note: str
    times: PhaseTimes = PhaseTimes()
    negative_prompt: str = ""

    @property
    def use_gpu(self) -> bool:
        """Whether an accelerator was used."""
        return self.device != "cpu"


@dataclass(frozen=True)
class _Loaded:
    model_id: str
    path: Path
    plan: LoadPlan


class _Stopwatch:
    """Measures a picture's phases; the prompt's time is known from engines that tell when the first forward begins."""

    def __init__(self) -> None:
        self.times = PhaseTimes()
        self._since = time.perf_counter()

    def loaded(self) -> None:
        self.times = replace(self.times, load_s=self._lap())

    def stepped(self, event: StepEvent) -> None:
        if event.forwards_done == 0:
            self.times = replace(self.times, encode_s=self._lap())
        elif event.forwards_done == event.forwards_total:
            self.times = replace(self.times, denoise_s=self._lap())

    def decoded(self) -> None:
        self.times = replace(self.times, decode_s=self._lap())

    def _lap(self) -> float:
        before, self._since = self._since, time.perf_counter()
        return round(self._since - before, 4)


class ImageGenerator:
    """Holds at most one model, loaded at its first use. Used by one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        engine: Engine,
        detect_hardware: Callable[[], Hardware],
        draw_seed: Callable[[], int] = lambda: random.SystemRandom().randint(0, MAX_SEED),
    ) -> None:
        self._settings = settings
        self._catalogue = catalogue
        self._engine = engine
        self._detect_hardware = detect_hardware
        self._draw_seed = draw_seed
        self._hardware: Hardware | None = None
        self._loaded: _Loaded | None = None
        self._largest = (0, 0)
        self.healthy = True
        """False after a fault of the device, until a picture has been drawn again."""

    @property
    def loaded_model(self) -> str | None:
        """Id of the model in memory."""
        return self._loaded.model_id if self._loaded else None

    def prepare(self) -> None:
        """Imports the heavy libraries and looks at the hardware, so that the first picture need not wait for it."""
        if self._hardware is None:
            self._hardware = self._detect_hardware()
            self._engine.prepare()

    def generate(self, request: GenerateRequest, on_progress: OnProgress) -> GeneratedImage:
        """Draws one picture.

        Args:
            request: What to draw.
            on_progress: Told of every phase and forward; what it raises ends the generation before the decode.

        Raises:
            ModelError: the model is unknown, not installed, broken, or does not take the guidance asked for.
            OutOfMemory: it does not fit into memory.
            BlankPicture: the model's output is no picture.
            DeviceFault: the device has failed.
        """
        model = self._catalogue.resolve(request.model)
        refuse_unused_guidance(request, model)
        watch = _Stopwatch()
        self.prepare()
        plan = self._ensure_loaded(model, request, on_progress)
        watch.loaded()
        width, height = self._size(model, plan, request)
        engine_request = EngineRequest(
            prompt=request.prompt,
            width_px=width,
            height_px=height,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=_guidance(request, model),
            seed=self._draw_seed() if request.seed is None else request.seed,
            negative_prompt=request.negative_prompt,
            preview_map=model.preview_map,
        )
        note = describe_changes(request, model, plan, width, height)
        on_progress(Progress(Phase.DENOISING, 0, note, watch.times))
        started = time.perf_counter()

        def on_step(event: StepEvent) -> None:
            watch.stepped(event)
            on_progress(Progress(Phase.DENOISING, event.forwards_done, note, watch.times, event.preview))

        image = self._draw(engine_request, on_step)
        watch.decoded()
        return GeneratedImage(
            image=image,
            prompt=request.prompt,
            num_inference_steps=request.num_inference_steps,
            guidance_scale=engine_request.guidance_scale,
            seed=engine_request.seed,
            model=model.id,
            device=plan.device,
            generation_time_ms=round((time.perf_counter() - started) * 1000, 2),
            note=note,
            times=watch.times,
            negative_prompt=request.negative_prompt,
        )

    def _draw(self, request: EngineRequest, on_step: OnStep) -> Image.Image:
        try:
            [image] = self._engine.generate(request, on_step)
        except OutOfMemory as error:
            raise OutOfMemory(f"{error} {self._what_would_fit(request)}") from None
        except Exception as error:
            self._report_device_fault(error)
            raise
        if image.convert("RGB").getbbox() is None:  # no pixel above zero
            raise BlankPicture("The model produced a completely black picture, which is a fault of its numbers.")
        self.healthy = True
        self._largest = max(self._largest, (request.width_px, request.height_px), key=math.prod)
        return image

    def _report_device_fault(self, error: Exception) -> None:
        """Raises DeviceFault when an error of the engine, or what is behind it, is one of the device."""
        if not is_device_fault(error) and (error.__cause__ is None or not is_device_fault(error.__cause__)):
            return
        logger.error("the device has failed", exc_info=error)
        self.healthy = False
        self._loaded = None
        raise DeviceFault(
            "The device has failed. The model is loaded anew for the next task; if that fails too, restart Z-Image."
        ) from error

    def _what_would_fit(self, request: EngineRequest) -> str:
        """Names the largest size that was drawn before, or one of half the area."""
        width, height = self._largest
        if not 0 < width * height < request.width_px * request.height_px:
            scale = math.sqrt(0.5)
            width, height = (
                max(MIN_SIDE_PX, int(side * scale) // 64 * 64) for side in (request.width_px, request.height_px)
            )
        return f"{width}×{height} should fit."

    def _ensure_loaded(self, model: Model, request: GenerateRequest, on_progress: OnProgress) -> LoadPlan:
        path, hardware = model.path, self._hardware
        if path is None or hardware is None:
            raise RuntimeError("resolve() returns installed models only, and prepare() has run")
        plan = plan_load(
            measure_weights(path),
            hardware,
            use_gpu=request.use_gpu,
            offload=self._settings.offload,
            cpu_precision=self._settings.cpu_precision,
        )
        wanted = _Loaded(model.id, path, plan)
        if self._loaded != wanted:
            on_progress(Progress(Phase.LOADING, note=f"Loading {model.name}"))
            self._loaded = None
            started = time.perf_counter()
            try:
                if not self.healthy:
                    self._engine.unload()
                self._engine.load(path, plan)
            except Exception as error:
                self._report_device_fault(error)
                raise
            self._loaded = wanted
            logger.info(
                "loaded %s on %s in %s, offload %s, %.1f s",
                model.name, plan.device, plan.dtype, plan.offload, time.perf_counter() - started,
            )  # fmt: skip
        return plan

    def _size(self, model: Model, plan: LoadPlan, request: GenerateRequest) -> tuple[int, int]:
        max_area = CPU_MAX_AREA_PX if plan.device == "cpu" else None
        if model.sizes:
            return nearest_size(request.width, request.height, model.sizes, max_area)
        return fit_size(request.width, request.height, multiple=model.size_multiple, max_area=max_area)


def measure_weights(path: Path) -> Weights:
    """Adds up a model's parts from the headers of their files, at two bytes a value.

    Raises:
        ModelBroken: a header is damaged.
    """
    make_importable()
    from zimage.weights.safetensors_header import count_values

    try:
        parts = [
            2 * sum(count_values(file) for file in (path / part).glob("*.safetensors"))
            for part in ("transformer", "text_encoder", "vae")
        ]
    except ValueError as error:
        raise ModelBroken(f"The weights of {path.name} are damaged: {error}") from error
    return Weights(total_bytes=sum(parts), largest_part_bytes=max(parts))


def describe_changes(request: GenerateRequest, model: Model, plan: LoadPlan, width: int, height: int) -> str:
    """Says in words what the picture will have that the request did not ask for; empty when there is nothing."""
    notes = []
    if request.use_gpu and plan.device == "cpu":
        notes.append("no GPU is available, so the CPU is used")
    if (width, height) != (request.width, request.height):
        notes.append(f"{request.width}×{request.height} became {width}×{height} ({_reason(request, model, plan)})")
    if request.negative_prompt and _guidance(request, model) == 0:
        notes.append("without guidance the negative prompt has no effect")
    return "; ".join(notes)


def _guidance(request: GenerateRequest, model: Model) -> float:
    return model.guidance_scale if request.guidance_scale is None else request.guidance_scale


def _reason(request: GenerateRequest, model: Model, plan: LoadPlan) -> str:
    if model.sizes:
        return f"{model.name} draws {', '.join(f'{width}×{height}' for width, height in model.sizes)}"
    if plan.device == "cpu" and request.width * request.height > CPU_MAX_AREA_PX:
        return "the CPU limit of 512×512 pixels"
    return f"the model's grid of {model.size_multiple} pixels"
