"""Workshops without a model, for actors: what they draw depends on the recipe alone."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from backend.services.errors import DeviceFault, OutOfMemory
from backend.services.generation.events import Drawn, Emit, IsCancelled, Loaded, Loading, Preview, Step
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import Hardware
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks.executors.ray.facts import Facts, read_versions
from tests.backend.fakes import PLAIN_CPU, colour_of

MODELS = frozenset({"zimage-nano"})


@dataclass
class Sleeping:
    """Takes a set time a step.

    Attributes:
        step_s: seconds of a step; of a prompt that begins with `slow`, 0.3.
        folder: where it writes a line for each step, and looks for orders: `die`, `sick`.
        versions: what it says it is.
    """

    step_s: float = 0.0
    folder: Path | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    models: frozenset[str] = MODELS
    hardware: Hardware = PLAIN_CPU

    def prepare(self) -> None:
        if self.folder is not None and (self.folder / "unprepared").exists():
            raise RuntimeError("no driver")

    def facts(self) -> Facts:
        return Facts({**read_versions(), **self.versions}, self.hardware, self.models)

    def unload(self) -> None:
        self._note("unload")

    def generate(self, job: Job, images: Mapping[str, Image.Image], emit: Emit, cancelled: IsCancelled) -> None:
        self._obey(job.recipe.prompt)
        emit(Loading(job.recipe.model))
        emit(Loaded("cpu"))
        for index in range(job.num_images):
            recipe = job.recipe_of(index)
            emit(Step(0, recipe.forwards))
            for done in range(1, recipe.forwards + 1):
                if cancelled():
                    return
                time.sleep(0.3 if recipe.prompt.startswith("slow") else self.step_s)
                self._note(f"{recipe.prompt} {index} {done} {time.time()}")
                emit(Preview(PreviewPixels(1, 1, bytes([done, 0, 0]))))
                emit(Step(done, recipe.forwards))
            drawn = next(iter(images.values()), None) or colour_of(recipe.prompt, recipe.seed, 64, 48)
            emit(Drawn(drawn, recipe, "cpu", 1.0))

    def _obey(self, prompt: str) -> None:
        if prompt.startswith("die"):
            os.kill(os.getpid(), 9)
        if prompt.startswith("sick"):
            raise DeviceFault("The device has failed.")
        if prompt.startswith("large"):
            raise OutOfMemory("It does not fit.")
        if prompt.startswith("bug"):
            raise ZeroDivisionError("a secret path")

    def _note(self, line: str) -> None:
        if self.folder is not None:
            with (self.folder / f"{os.getpid()}.log").open("a") as file:
                file.write(f"{line}\n")


def make_sleeping(step_s: float, folder: str | None, versions: Mapping[str, str] | None = None) -> Sleeping:
    return Sleeping(step_s, None if folder is None else Path(folder), versions or {})
