"""The parts of `bench/card.py`: what each process of its own measures, a row at a time."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from zimage import ZImagePipeline  # noqa: E402
from zimage.residency.host import HostMemory  # noqa: E402
from zimage.utils.attention import KERNELS, AttentionUnavailable, choose_attention  # noqa: E402

from backend.services.generation.engines.native import residency_of, tiles_of  # noqa: E402
from backend.services.generation.planning.estimate import forwards_s  # noqa: E402
from backend.services.generation.planning.footprint import footprint_of, streamed_bytes  # noqa: E402
from backend.services.generation.planning.load_plan import Accelerator, Hardware, LoadPlan  # noqa: E402
from backend.services.generation.planning.model_facts import facts_of  # noqa: E402
from backend.services.generation.planning.placing import CONTEXT_BYTES, plan_load  # noqa: E402
from backend.services.generation.planning.work import Work, work_of_size  # noqa: E402
from bench.machine import peak_bytes  # noqa: E402
from bench.random_model import SIZES  # noqa: E402
from bench.virtual_model import VirtualModel, build_virtual_model  # noqa: E402

GIB = 2**30
STEPS = 9
FORWARDS = STEPS - 1
ROUNDS = 3
PROMPT = "a lighthouse on a cliff above a stormy sea at dusk, its beam through the rain, number {}"
BUS_BYTES = 2**28


@dataclass(frozen=True)
class Row:
    """What was measured of one way to hold and run the model."""

    what: str
    plan: str = ""
    load_s: float | None = None
    new_s: float | None = None
    known_s: float | None = None
    forwards_s: float | None = None
    peak: int | None = None
    foretold_peak: int | None = None
    foretold_s: float | None = None
    fault: str = ""

    def line(self) -> str:
        """Formats it for the table."""
        seconds = (self.load_s, self.new_s, self.known_s, self.forwards_s)
        cells = [self.what, self.plan, *map(_seconds, seconds), _gib(self.peak), _gib(self.foretold_peak)]
        return f"| {' | '.join([*cells, _seconds(self.foretold_s)])} |" + (f" {self.fault}" if self.fault else "")


@dataclass(frozen=True)
class Setting:
    """Where and what is measured; parts are told the same."""

    size: str
    device: str
    side_px: int
    block: Path
    total_bytes: int

    def model(self, stored: str | None = None) -> VirtualModel:
        """Returns the model."""
        return build_virtual_model(SIZES[self.size](), self.block, stored)

    def work(self, model: VirtualModel, *, is_guided: bool = False) -> Work:
        """Returns the work of an image."""
        return work_of_size(facts_of(model.files), self.side_px**2, forwards=FORWARDS, is_guided=is_guided)


class Meter:
    """Draws images and takes times."""

    def __init__(self, pipeline: ZImagePipeline, setting: Setting) -> None:
        self._pipeline = pipeline
        self._setting = setting
        self._n_prompts = 0
        self._steps_at: list[float] = []

    def new(self) -> float:
        """Returns the seconds of an image of a new prompt."""
        self._n_prompts += 1
        return self.known()

    def known(self) -> float:
        """Returns the seconds of an image of the prompt of before."""
        self._steps_at.clear()
        self._synchronize()
        started = time.perf_counter()
        self._pipeline(
            PROMPT.format(self._n_prompts), height=self._setting.side_px, width=self._setting.side_px,
            num_inference_steps=STEPS, generator=torch.Generator().manual_seed(0), on_step=self._on_step,
        )  # fmt: skip
        self._synchronize()
        return time.perf_counter() - started

    def forwards_s(self) -> float:
        """Returns the seconds of all forwards of the last image, from those between its steps."""
        first, *_, last = self._steps_at
        return (last - first) * FORWARDS / (len(self._steps_at) - 1)

    def row(self, what: str, plan: str = "", load_s: float | None = None, **more: float | None) -> Row:
        """Measures: a first image does not count, then a new prompt, then known ones."""
        self.new()
        new_s = self.new()
        known, forwards = [], []
        for _ in range(ROUNDS):
            known.append(self.known())
            forwards.append(self.forwards_s())
        values = {name: value for name, value in more.items() if value is not None}
        return replace(
            Row(what, plan, load_s, new_s, statistics.median(known), statistics.median(forwards), self._peak()),
            **values,  # type: ignore[arg-type]
        )

    def _on_step(self, _event: object) -> None:
        self._synchronize()
        self._steps_at.append(time.perf_counter())

    def _synchronize(self) -> None:
        if self._setting.device != "cpu":
            torch.cuda.synchronize()

    def _peak(self) -> int:
        return peak_bytes() if self._setting.device == "cpu" else torch.cuda.max_memory_allocated()


def opened(setting: Setting, stored: str | None, plan: LoadPlan) -> tuple[ZImagePipeline, float]:
    """Loads the model as planned; returns the seconds that it took, too."""
    started = time.perf_counter()
    pipeline = setting.model(stored).open(
        setting.device, torch.bfloat16, quantization=plan.quantization, tiles=tiles_of(plan),
        residency=residency_of(plan),
    )  # fmt: skip
    return pipeline, time.perf_counter() - started


def measure_whole(setting: Setting, stored: str | None) -> Iterator[Row]:
    """Measures the model with all of it on the device."""
    plan = LoadPlan("cuda", "bfloat16", quantization=stored)  # type: ignore[arg-type]
    pipeline, load_s = opened(setting, stored, plan)
    model = setting.model(stored)
    foretold = footprint_of(facts_of(model.files).weights, plan, setting.work(model)).device
    what = f"{stored or 'bfloat16'}, eager"
    yield Meter(pipeline, setting).row(what, describe(plan), load_s, foretold_peak=foretold)


def measure_compiled(setting: Setting, stored: str | None) -> Iterator[Row]:
    """Measures the compiled model; the first image, with the compiler at work, is a row of its own."""
    pipeline, load_s = opened(setting, stored, LoadPlan("cuda", "bfloat16"))
    pipeline.compile()
    meter = Meter(pipeline, setting)
    yield Row("bfloat16, compiled, first image", load_s=load_s, new_s=meter.new())
    yield meter.row("bfloat16, compiled", "all there")


def measure_kernels(setting: Setting, stored: str | None) -> Iterator[Row]:
    """Measures every attention kernel that works."""
    pipeline, _ = opened(setting, stored, LoadPlan("cuda", "bfloat16"))
    config = pipeline.transformer.config
    for name in KERNELS:
        try:
            choice = choose_attention(
                name, torch.device(setting.device), torch.bfloat16, n_heads=config.n_heads, head_dim=config.head_dim
            )
        except AttentionUnavailable as error:
            yield Row(f"attention {name}", "is not available", fault=str(error).splitlines()[0])
            continue
        pipeline.transformer.set_attention(choice.attend)
        yield Meter(pipeline, setting).row(f"attention {name}", "all there")


def measure_bus(setting: Setting, _stored: str | None) -> Iterator[Row]:
    """Measures copies of page-locked memory to the device: seconds a GiB."""
    device = torch.device(setting.device)
    host = HostMemory.of(device).keep(torch.zeros(BUS_BYTES, dtype=torch.uint8))
    target = torch.empty_like(host, device=device)
    took_s = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        target.copy_(host, non_blocking=True)
        if device.type == "cuda":
            torch.cuda.synchronize()
        took_s.append(time.perf_counter() - started)
    yield Row("main memory to device, a GiB", forwards_s=min(took_s) * GIB / BUS_BYTES)


def measure_capped(setting: Setting, gib: float, known_s: Mapping[str, float]) -> Iterator[Row]:
    """Measures the plan for a card of so many GiB, with no more memory than that leaves to torch.

    Args:
        setting: where and what.
        gib: size of the card.
        known_s: seconds of what the parts before have measured.
    """
    model = setting.model()
    weights = facts_of(model.files).weights
    memory = round(gib * GIB)
    hardware = Hardware(2**45, cpu_has_bf16=True, accelerators=(Accelerator("cuda", memory, has_bf16=True),))
    plan = plan_load(weights, hardware, "cuda", work=setting.work(model, is_guided=True))
    if setting.device != "cpu" and memory - CONTEXT_BYTES > setting.total_bytes:
        yield Row(f"a card of {gib:g} GiB", "is larger than this one")
        return
    if setting.device != "cpu":
        torch.cuda.set_per_process_memory_fraction((memory - CONTEXT_BYTES) / setting.total_bytes)
    work, whole_s, bus_s = setting.work(model), known_s.get(plan.quantization or plan.dtype), known_s.get("bus")
    seconds = None
    if whole_s and bus_s:
        seconds = forwards_s(work, FORWARDS * work.forward_flops / whole_s, streamed_bytes(weights, plan), GIB / bus_s)
    pipeline, load_s = opened(setting, plan.quantization, plan)
    foretold = footprint_of(weights, plan, work).device
    yield Meter(pipeline, setting).row(
        f"a card of {gib:g} GiB", describe(plan), load_s, foretold_peak=foretold, foretold_s=seconds
    )


def describe(plan: LoadPlan) -> str:
    """Says in a few words what is where."""
    match plan.offload:
        case "none":
            where = "all there"
        case "model":
            where = f"encoder {'streamed' if plan.streams_encoder else 'out'}"
        case _:
            where = f"{plan.resident_blocks} blocks stay, others and encoder streamed"
    tiles = f", tiles of {plan.vae_tile}" if plan.vae_tile else ""
    return f"{plan.quantization or plan.dtype}, {where}{tiles}"


@dataclass(frozen=True)
class Part:
    """A process: what it measures, of which matrices, and after how many seconds it is ended."""

    name: str
    limit_s: float
    measure: Callable[[Setting, str | None], Iterator[Row]]
    stored: str | None = None


PARTS = (
    Part("bus", 40, measure_bus),
    Part("bfloat16", 120, measure_whole),
    Part("int8", 90, measure_whole, "int8"),
    Part("fp8", 90, measure_whole, "fp8"),
    Part("compiled", 180, measure_compiled),
    Part("kernels", 120, measure_kernels),
)


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.3f} s"


def _gib(size: int | None) -> str:
    return "" if size is None else f"{size / GIB:.2f} GiB"
