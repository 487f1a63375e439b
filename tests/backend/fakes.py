"""An engine without a model, a clock that stands still, and model folders without weights worth the name."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from backend.models.config import Settings
from backend.models.recipe import Recipe
from backend.models.schemas import GenerateRequest
from backend.services.generation.engines.base import Interrupted, report_step
from backend.services.generation.engines.partials import Partials
from backend.services.generation.events import Drawn, Emit, IsCancelled, Step
from backend.services.generation.inputs import NO_INPUTS, Inputs
from backend.services.generation.job import Job
from backend.services.generation.planning.calibration import Calibration
from backend.services.generation.planning.load_plan import Accelerator, Hardware, LoadPlan
from backend.services.generation.planning.planner import Planner
from backend.services.generation.preview import PreviewPixels
from backend.services.library.files import ModelFiles
from backend.services.library.preview_map import PreviewMap
from backend.services.tasks.executors.base import OnSlots, Worker

PATIENCE_S = 10.0
"""How long a test waits for something that should happen at once, before it fails."""

PLAIN_CPU = Hardware(memory_bytes=16 * 2**30, cpu_has_bf16=False)


def with_cards(*devices: str, gib: float = 24, bf16: bool = True) -> Hardware:
    """Returns a machine with accelerators of these names."""
    cards = tuple(Accelerator(device, int(gib * 2**30), bf16) for device in devices or ("cuda",))
    return replace(PLAIN_CPU, accelerators=cards)


class FakeEngine:
    """Draws one colour a prompt and seed; stops, fails and waits where a test wants it to."""

    def __init__(self) -> None:
        self.loads: list[tuple[ModelFiles, LoadPlan]] = []
        self.requests: list[Recipe] = []
        self.inputs: list[Inputs] = []
        self.decoded: list[str] = []
        self.load_error: Exception | None = None
        self.errors: dict[int, Exception] = {}
        self.watch: Callable[[int], None] = lambda step: None
        self.paused = threading.Event()
        self._pauses: dict[int, threading.Event] = {}
        self._preview_map: PreviewMap | None = None

    def pause_at(self, step: int) -> Callable[[], None]:
        """Makes every generation wait when `step` forwards are done; returns what lets it go on."""
        self._pauses[step] = threading.Event()
        return self._pauses[step].set

    def prepare(self) -> None:
        pass

    def load(self, files: ModelFiles, plan: LoadPlan, preview_map: PreviewMap | None = None) -> None:
        self.loads.append((files, plan))
        self._preview_map = preview_map
        if self.load_error is not None:
            raise self.load_error

    def generate(
        self, recipe: Recipe, emit: Emit, cancelled: IsCancelled, inputs: Inputs = NO_INPUTS, partial_images: int = 0
    ) -> Image.Image | None:
        partials = Partials(recipe.forwards, partial_images, emit, cancelled)
        self.requests.append(recipe)
        self.inputs.append(inputs)
        try:
            self._reach(0)
            report_step(emit, cancelled, Step(0, recipe.forwards))
            for done in range(1, recipe.forwards + 1):
                partials.show(done, lambda done=done: colour_of("partial", done, recipe.width, recipe.height))
                preview = PreviewPixels(2, 1, bytes([done, 0, 0, 255, 255, 255])) if self._preview_map else None
                report_step(emit, cancelled, Step(done, recipe.forwards), preview)
                self._reach(done)
        except Interrupted:
            return None
        self.decoded.append(recipe.prompt)
        return colour_of(recipe.prompt, recipe.seed, recipe.width, recipe.height)

    def unload(self) -> None:
        pass

    def _reach(self, step: int) -> None:
        self.watch(step)
        if step in self._pauses and not self._pauses[step].is_set():
            self.paused.set()
            assert self._pauses[step].wait(PATIENCE_S), f"nobody let step {step} go on"
            self.paused.clear()
        if step in self.errors:
            raise self.errors.pop(step)


class FakeExecutor:
    """What an executor needs beside `prepare` and `run`: slots that are always there and take everything."""

    healthy, fault, loaded_models, is_elastic = True, None, (), False

    def watch(self, on_slots: OnSlots) -> None:
        self.on_slots = on_slots

    def fits(self, slot: str, job: Job) -> bool:
        return True

    def unload(self, slot: str) -> None:
        pass

    def workers(self) -> tuple[Worker, ...]:
        return ()

    def close(self) -> None:
        pass


def colour_of(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    red, green, blue = hashlib.sha256(f"{prompt}/{seed}".encode()).digest()[:3]
    return Image.new("RGB", (width, height), (red, green, blue))


def make_planner(settings: Settings, hardware: Callable[[], Hardware]) -> Planner:
    return Planner(settings, hardware, Calibration(settings.data_dir / "calibration.json"))


class Ticking:
    """A time of day that moves on by a second at every look."""

    def __init__(self) -> None:
        self._now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now


def wait_until(condition: Callable[[], object], what: str = "the condition") -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {PATIENCE_S:g} s"
        time.sleep(0.002)


def write_safetensors(path: Path, shape: tuple[int, ...] = (2, 3)) -> None:
    """Writes a file of float32 zeros with one tensor, in the real format."""
    size = 4
    for side in shape:
        size *= side
    header = json.dumps({"weight": {"dtype": "F32", "shape": list(shape), "data_offsets": [0, size]}}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))


def make_model_folder(path: Path, facts: dict[str, object] | None = None) -> Path:
    """Writes a folder that the catalogue takes for a whole model."""
    for part in ("transformer", "text_encoder", "vae"):
        (path / part).mkdir(parents=True)
        (path / part / "config.json").write_text("{}")
        write_safetensors(path / part / "model.safetensors")
    for file in ("scheduler/scheduler_config.json", "tokenizer/tokenizer.json"):
        (path / file).parent.mkdir()
        (path / file).write_text("{}")
    (path / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}')
    if facts is not None:
        (path / "zimage.json").write_text(json.dumps(facts))
    return path


def make_omni_folder(path: Path) -> Path:
    """Writes a folder that the catalogue takes for a whole model of the Omni variant."""
    make_model_folder(path)
    (path / "model_index.json").write_text('{"_class_name": "ZImageOmniPipeline"}')
    for name in ("siglip/config.json", "siglip_processor/preprocessor_config.json"):
        (path / name).parent.mkdir()
        (path / name).write_text("{}")
    return path


def a_request(prompt: str = "a red apple", **values: object) -> GenerateRequest:
    return GenerateRequest.model_validate({"prompt": prompt, "width": 256, "height": 256, "seed": 7, **values})


def a_recipe(prompt: str = "a red apple", seed: int = 7, **values: object) -> Recipe:
    facts = {"width": 256, "height": 256, "num_inference_steps": 9, "model": "zimage-nano"}
    return Recipe.model_validate({"prompt": prompt, "seed": seed, **facts, **values})


def a_job(prompt: str = "a red apple", *, num_images: int = 1, use_gpu: bool = False, **values: object) -> Job:
    return Job(recipe=a_recipe(prompt, **values), num_images=num_images, use_gpu=use_gpu)


def a_picture(prompt: str = "a red apple", seed: int = 7, **values: object) -> Drawn:
    width, height = values.pop("width", 64), values.pop("height", 48)
    facts = {"device": "cpu", "generation_time_ms": 12.5}
    facts = {name: values.pop(name, default) for name, default in facts.items()}
    image = values.pop("image", None) or colour_of(prompt, seed, width, height)
    return Drawn(image, a_recipe(prompt, seed, width=image.width, height=image.height, **values), **facts)
