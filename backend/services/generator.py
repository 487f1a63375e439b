"""One job → its images: on one device, with one model in memory."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image

from backend.models.recipe import Recipe
from backend.models.schemas import MIN_SIDE_PX
from backend.services.errors import BlankPicture, DeviceFault, ModelBroken, OutOfMemory
from backend.services.generation.engines.base import Engine
from backend.services.generation.engines.faults import is_device_fault
from backend.services.generation.engines.memory import MemoryMeter
from backend.services.generation.engines.process_memory import held_bytes
from backend.services.generation.events import Drawn, Emit, IsCancelled, Loaded, Loading
from backend.services.generation.inputs import ReadInputs, read_none
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import CPU, LoadPlan
from backend.services.generation.planning.planner import Planner
from backend.services.generation.planning.program_memory import MemorySeen
from backend.services.generation.stopwatch import Stopwatch
from backend.services.library.catalogue import Catalogue
from backend.services.library.files import ModelFiles, Signature
from backend.services.library.model_entry import AUTO, ModelEntry

logger = logging.getLogger(__name__)

MAX_FAULTS = 2
"""Faults in a row after which a device is given up: a new model did not help, only a new process can."""


@dataclass(frozen=True)
class _InMemory:
    model_id: str
    files: ModelFiles
    signature: tuple[Signature, ...]
    """Of the files, as they were before they were read."""
    plan: LoadPlan


class ImageGenerator:
    """Holds at most one model, loaded at its first use. Used by one thread at a time."""

    def __init__(
        self,
        catalogue: Catalogue,
        engine: Engine,
        planner: Planner,
        device: str = CPU,
        loading: threading.Lock | None = None,
        read_inputs: ReadInputs = read_none,
    ) -> None:
        """Takes a device for itself.

        Args:
            catalogue: Where models lie.
            engine: What runs them; nobody else uses it.
            planner: How to hold models in memory; learns what images take.
            device: Where jobs that use an accelerator run; the others run on the processor.
            loading: Held while a model is loaded: libraries set global defaults meanwhile.
            read_inputs: Reads the images that a recipe names.
        """
        self._catalogue = catalogue
        self._engine = engine
        self._planner = planner
        self._device = device
        self._loading = loading or threading.Lock()
        self._read_inputs = read_inputs
        self._in_memory: _InMemory | None = None
        self._largest = (0, 0)
        self._faults: dict[str, int] = {}
        """Faults in a row, by device; an image that a device has drawn ends its row."""

    @property
    def healthy(self) -> bool:
        """False after a fault of the device, until it has drawn an image again."""
        return not self._faults

    @property
    def is_given_up(self) -> bool:
        """Whether the device has failed so often in a row that only a restart can help."""
        return max(self._faults.values(), default=0) >= MAX_FAULTS

    @property
    def loaded_model(self) -> str | None:
        """Id of the model in memory."""
        return self._in_memory.model_id if self._in_memory else None

    def preload(self) -> None:
        """Loads the demo model if it is what `auto` means: it takes no time to speak of, but the first image waits."""
        try:
            model = self._catalogue.resolve(AUTO)
            if model.demo:
                self._load(model, lambda _event: None, None, use_gpu=True)
        except Exception as error:  # noqa: BLE001 - whoever draws with it meets the same fault, and is told
            logger.warning("the demo model could not be loaded ahead of the first image: %s", error)

    def generate(self, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Draws the images of a job, one after the other; returns early when it is cancelled.

        Raises:
            ModelError: the model is unknown, not installed or broken.
            OutOfMemory: it does not fit into memory.
            BlankPicture: the model's output is no image.
            DeviceFault: the device has failed.
            InputUnusable: an input image is missing, or cannot be used.
        """
        if cancelled():
            return
        inputs = self._read_inputs(job.recipe)
        model = self._catalogue.resolve(job.recipe.model)
        plan = self._load(model, emit, job.recipe, use_gpu=job.use_gpu)
        emit(Loaded(plan.device))
        meter = MemoryMeter(plan.device)
        for index in range(job.num_images):
            recipe, watch = job.recipe_of(index), Stopwatch(emit)
            before = meter.reset()
            started = time.perf_counter()
            draw = partial(self._engine.generate, recipe, watch, cancelled, inputs, job.partial_images)
            image = None if cancelled() else self._draw(recipe, plan.device, draw)
            if image is None:
                return
            took_s = time.perf_counter() - started
            seen = meter.seen(before)
            if not job.partial_images:  # which take their time between the forwards
                self._learn_image(model, plan, recipe, watch.forwards_s, took_s, seen)
            emit(Drawn(image, recipe, plan.device, round(took_s * 1000, 2), None if seen is None else seen.peak))

    def unload(self) -> None:
        """Frees the memory of the model; the next job loads one."""
        if self._in_memory is not None:
            logger.info("%s leaves the memory", self._in_memory.model_id)
        self._in_memory = None
        try:
            with self._loading:
                self._engine.unload()
        except Exception:
            logger.exception("the model's memory could not be freed")

    def _draw(self, recipe: Recipe, device: str, draw: Callable[[], Image.Image | None]) -> Image.Image | None:
        try:
            image = draw()
        except OutOfMemory as error:
            raise OutOfMemory(f"{error} {self._what_would_fit(recipe)}") from None
        except Exception as error:
            self._report_device_fault(error, device)
            raise
        if image is None:
            return None
        if recipe.init_image is None and image.convert("RGB").getbbox() is None:  # no pixel above zero
            raise BlankPicture("The model produced a completely black picture, which is a fault of its numbers.")
        self._faults = {other: count for other, count in self._faults.items() if other != device}
        self._largest = max(self._largest, (recipe.width, recipe.height), key=math.prod)
        return image

    def _learn_image(
        self,
        model: ModelEntry,
        plan: LoadPlan,
        recipe: Recipe,
        forwards_s: float,
        took_s: float,
        memory: MemorySeen | None,
    ) -> None:
        around_s = took_s - forwards_s
        self._learn(
            lambda: self._planner.learn_image(
                model, plan, recipe, forwards_s=forwards_s, around_s=around_s, memory=memory
            )
        )

    def _learn(self, tell: Callable[[], None]) -> None:
        """Tells the planner what something took; whatever is wrong with that, the image counts."""
        try:
            tell()
        except Exception:
            logger.exception("what it took is not learned")

    def _report_device_fault(self, error: Exception, device: str) -> None:
        """Raises DeviceFault when an error of the engine, or what is behind it, is one of the device."""
        if not is_device_fault(error) and (error.__cause__ is None or not is_device_fault(error.__cause__)):
            return
        logger.error("the device %s has failed", device, exc_info=error)
        self._faults = {**self._faults, device: self._faults.get(device, 0) + 1}  # new: others read it without a lock
        self._in_memory = None
        what_next = "The model is loaded anew for the next task; if that fails too, restart Z-Image."
        if self.is_given_up:
            what_next = "This was the second time in a row, so it takes no more tasks. Restart Z-Image."
        raise DeviceFault(f"The device has failed. {what_next}") from error

    def _what_would_fit(self, recipe: Recipe) -> str:
        """Names the largest size that was drawn before, or one of half the area."""
        width, height = self._largest
        if not 0 < width * height < recipe.width * recipe.height:
            scale = math.sqrt(0.5)
            width, height = (max(MIN_SIDE_PX, int(side * scale) // 64 * 64) for side in (recipe.width, recipe.height))
        return f"{width}×{height} should fit."

    def _load(self, model: ModelEntry, emit: Emit, recipe: Recipe | None, *, use_gpu: bool) -> LoadPlan:
        if model.files is None:
            raise RuntimeError("resolve() returns installed models only")
        plan = self._planner.plan(model.files, self._device if use_gpu else CPU)
        wanted = _InMemory(model.id, model.files, _signature_of(model.files), plan)
        if self._in_memory == wanted:
            return plan
        before = held_bytes()
        emit(Loading(model.name))
        self._in_memory = None
        started = time.perf_counter()
        try:
            with self._loading:
                if not self.healthy:
                    self._engine.unload()
                self._engine.load(model.files, plan, model.preview_map)
        except Exception as error:
            self._report_device_fault(error, plan.device)
            raise
        took_s = time.perf_counter() - started
        self._in_memory = wanted
        if recipe is not None:
            self._learn(lambda: self._planner.learn_load(model, plan, recipe, took_s, before))
        logger.info(
            "loaded %s on %s in %s, matrices in %s, offload %s, %.1f s",
            model.name, plan.device, plan.dtype, self._planner.explain(model.files, plan), plan.offload, took_s,
        )  # fmt: skip
        return plan


def _signature_of(files: ModelFiles) -> tuple[Signature, ...]:
    try:
        return files.signature()
    except OSError as error:
        raise ModelBroken(f"The weights of {files.name} cannot be read: {error.strerror}.") from error
