"""One job → its images: on one device, with one model in memory."""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from backend.models.config import Settings
from backend.models.recipe import Recipe
from backend.models.schemas import MIN_SIDE_PX
from backend.services.errors import BlankPicture, DeviceFault, ModelBroken, OutOfMemory
from backend.services.generation.engines.base import Engine
from backend.services.generation.engines.faults import is_device_fault
from backend.services.generation.events import Drawn, Emit, IsCancelled, Loaded, Loading
from backend.services.generation.job import Job
from backend.services.generation.load_plan import CPU, Hardware, LoadPlan, Weights, plan_load
from backend.services.library.catalogue import AUTO, Catalogue, ModelEntry
from backend.services.library.model_folder import WEIGHTED_PARTS
from backend.utils.zimage_library import make_importable

logger = logging.getLogger(__name__)

MAX_FAULTS = 2
"""Faults in a row after which a device is given up: a new model did not help, only a new process can."""


@dataclass(frozen=True)
class _InMemory:
    model_id: str
    path: Path
    plan: LoadPlan


class ImageGenerator:
    """Holds at most one model, loaded at its first use. Used by one thread at a time."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        engine: Engine,
        hardware: Hardware,
        device: str = CPU,
        loading: threading.Lock | None = None,
    ) -> None:
        """Takes a device for itself.

        Args:
            settings: How to load.
            catalogue: Where models lie.
            engine: What runs them; nobody else uses it.
            hardware: What the machine has.
            device: Where jobs that use an accelerator run; the others run on the processor.
            loading: Held while a model is loaded: libraries set global defaults meanwhile.
        """
        self._settings = settings
        self._catalogue = catalogue
        self._engine = engine
        self._hardware = hardware
        self._device = device
        self._loading = loading or threading.Lock()
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
                self._load(model, lambda _event: None, use_gpu=True)
        except Exception as error:  # noqa: BLE001 - whoever draws with it meets the same fault, and is told
            logger.warning("the demo model could not be loaded ahead of the first image: %s", error)

    def generate(self, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Draws the images of a job, one after the other; returns early when it is cancelled.

        Raises:
            ModelError: the model is unknown, not installed or broken.
            OutOfMemory: it does not fit into memory.
            BlankPicture: the model's output is no image.
            DeviceFault: the device has failed.
        """
        if cancelled():
            return
        model = self._catalogue.resolve(job.recipe.model)
        plan = self._load(model, emit, use_gpu=job.use_gpu)
        emit(Loaded(plan.device))
        for index in range(job.num_images):
            recipe = job.recipe_of(index)
            started = time.perf_counter()
            image = None if cancelled() else self._draw(recipe, plan.device, emit, cancelled)
            if image is None:
                return
            milliseconds = round((time.perf_counter() - started) * 1000, 2)
            emit(Drawn(image, recipe, plan.device, milliseconds))

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

    def _draw(self, recipe: Recipe, device: str, emit: Emit, cancelled: IsCancelled) -> Image.Image | None:
        try:
            image = self._engine.generate(recipe, emit, cancelled)
        except OutOfMemory as error:
            raise OutOfMemory(f"{error} {self._what_would_fit(recipe)}") from None
        except Exception as error:
            self._report_device_fault(error, device)
            raise
        if image is None:
            return None
        if image.convert("RGB").getbbox() is None:  # no pixel above zero
            raise BlankPicture("The model produced a completely black picture, which is a fault of its numbers.")
        self._faults = {other: count for other, count in self._faults.items() if other != device}
        self._largest = max(self._largest, (recipe.width, recipe.height), key=math.prod)
        return image

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

    def _load(self, model: ModelEntry, emit: Emit, *, use_gpu: bool) -> LoadPlan:
        path = model.path
        if path is None:
            raise RuntimeError("resolve() returns installed models only")
        plan = plan_load(
            measure_weights(path),
            self._hardware,
            self._device if use_gpu else CPU,
            offload=self._settings.offload,
            cpu_precision=self._settings.cpu_precision,
            takes_float16=lambda: self._engine.takes_float16(path),
        )
        wanted = _InMemory(model.id, path, plan)
        if self._in_memory == wanted:
            return plan
        emit(Loading(model.name))
        self._in_memory = None
        started = time.perf_counter()
        try:
            with self._loading:
                if not self.healthy:
                    self._engine.unload()
                self._engine.load(path, plan, model.preview_map)
        except Exception as error:
            self._report_device_fault(error, plan.device)
            raise
        self._in_memory = wanted
        logger.info(
            "loaded %s on %s in %s, offload %s, %.1f s",
            model.name, plan.device, plan.dtype, plan.offload, time.perf_counter() - started,
        )  # fmt: skip
        return plan


def measure_weights(path: Path) -> Weights:
    """Adds up a model's parts from the headers of their files, at two bytes a value.

    Raises:
        ModelBroken: a file is damaged or truncated; the message names it.
    """
    make_importable()
    from zimage.errors import WeightsError
    from zimage.weights.checkpoint import open_checkpoint
    from zimage.weights.safetensors_header import count_values
    from zimage.weights.selection import choose_checkpoint

    def count(part: Path) -> int:
        try:
            return sum(tensor.numel for tensor in open_checkpoint(part).values())
        except WeightsError:  # what the library does not read may be one for the other engine
            return sum(map(count_values, choose_checkpoint(part).files))

    try:
        parts = [2 * count(path / part) for part in WEIGHTED_PARTS]
    except ValueError as error:
        reason = str(error).replace(f"{path}{os.sep}", "")  # where it lies is nobody else's business
        raise ModelBroken(f"The weights of {path.name} are damaged: {reason}") from error
    return Weights(total_bytes=sum(parts), largest_part_bytes=max(parts))
