"""An engine without a model, a clock that stands still, and model folders without weights worth the name."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from PIL import Image

from backend.models.schemas import GenerateRequest
from backend.services.generation.engines.base import EngineRequest, OnStep, StepEvent, count_forwards
from backend.services.generation.load_plan import Hardware, LoadPlan
from backend.services.generation.preview import PreviewPixels
from backend.services.generator import GeneratedImage

PATIENCE_S = 10.0
"""How long a test waits for something that should happen at once, before it fails."""

PLAIN_CPU = Hardware(
    accelerator=None,
    accelerator_memory_bytes=0,
    accelerator_has_bf16=False,
    cpu_has_bf16=False,
    memory_bytes=16 * 2**30,
)


class FakeEngine:
    """Draws one colour a prompt and seed; stops, fails and waits where a test wants it to."""

    def __init__(self) -> None:
        self.loads: list[tuple[Path, LoadPlan]] = []
        self.requests: list[EngineRequest] = []
        self.decoded: list[str] = []
        self.load_error: Exception | None = None
        self.errors: dict[int, Exception] = {}
        self.watch: Callable[[int], None] = lambda step: None
        self.paused = threading.Event()
        self._pauses: dict[int, threading.Event] = {}

    def pause_at(self, step: int) -> Callable[[], None]:
        """Makes every generation wait when `step` forwards are done; returns what lets it go on."""
        self._pauses[step] = threading.Event()
        return self._pauses[step].set

    def prepare(self) -> None:
        pass

    def load(self, path: Path, plan: LoadPlan) -> None:
        self.loads.append((path, plan))
        if self.load_error is not None:
            raise self.load_error

    def generate(self, request: EngineRequest, on_step: OnStep) -> list[Image.Image]:
        self.requests.append(request)
        forwards = count_forwards(request.num_inference_steps)
        self._reach(0)
        on_step(StepEvent(0, forwards))
        for done in range(1, forwards + 1):
            preview = PreviewPixels(2, 1, bytes([done, 0, 0, 255, 255, 255])) if request.preview_map else None
            on_step(StepEvent(done, forwards, preview))
            self._reach(done)
        self.decoded.append(request.prompt)
        return [colour_of(request.prompt, request.seed, request.width_px, request.height_px)]

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


def colour_of(prompt: str, seed: int, width: int, height: int) -> Image.Image:
    red, green, blue = hashlib.sha256(f"{prompt}/{seed}".encode()).digest()[:3]
    return Image.new("RGB", (width, height), (red, green, blue))


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
        write_safetensors(path / part / "model.safetensors")
    (path / "model_index.json").write_text('{"_class_name": "ZImagePipeline"}')
    if facts is not None:
        (path / "zimage.json").write_text(json.dumps(facts))
    return path


def a_request(prompt: str = "a red apple", **values: object) -> GenerateRequest:
    return GenerateRequest.model_validate({"prompt": prompt, "width": 256, "height": 256, "seed": 7, **values})


def a_picture(prompt: str = "a red apple", seed: int = 7, **values: object) -> GeneratedImage:
    width, height = values.pop("width", 64), values.pop("height", 48)
    facts = {
        "image": colour_of(prompt, seed, width, height),
        "prompt": prompt,
        "num_inference_steps": 9,
        "guidance_scale": 0.0,
        "seed": seed,
        "model": "zimage-nano",
        "device": "cpu",
        "generation_time_ms": 12.5,
        "note": "",
    }
    return GeneratedImage(**{**facts, **values})
