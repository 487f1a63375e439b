"""The native engine beside diffusers, in one process, taking turns: times of the parts and of a whole picture.

python bench/native_vs_diffusers.py nano --rounds 7 --compile --write bench/README.md
python bench/native_vs_diffusers.py medium --rounds 3 --limit-s 100 --write bench/README.md
python bench/native_vs_diffusers.py full --device cuda --size 1024 --rounds 10 --compile --every-kernel

Both draw the same pictures from the same folder. A round measures each engine once, in an order that changes; the
table has medians and the ratio of diffusers' to ours. Every round has a prompt of its own, so that no cache helps.
A first turn, in which a compiler may be at work, does not count and has a row of its own where one is.
A step of diffusers does all of the transformer's work; ours leaves out what is the same at every step, which has a row
of its own and is done once a picture.
Memory is the peak of a process that loads one engine and draws one picture.
The last column counts multiplications and additions, of diffusers and of ours: a processor or card that multiplies as
fast as it can for both of them cannot give a larger ratio than theirs.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from zimage import ZImagePipeline  # noqa: E402
from zimage.sampling import Predictor  # noqa: E402
from zimage.scheduler import linear_sigmas  # noqa: E402
from zimage.transformer import Factors  # noqa: E402
from zimage.utils.attention import KERNELS, AttentionUnavailable, choose_attention  # noqa: E402

from bench.flops import count_flops  # noqa: E402
from bench.machine import describe_machine, peak_bytes  # noqa: E402
from bench.random_model import NANO, SIZES, write_random_model  # noqa: E402
from bench.table import write  # noqa: E402

MARK = "bench:engines"
PROMPT = "a lighthouse on a cliff above a stormy sea at dusk, its beam through the rain, number {}"
STEPS = 9
FORWARDS = STEPS - 1
PREPARE = "prepare and modulate, once a picture"
STEP = "transformer, a step"
PICTURE = f"a picture, {FORWARDS} steps"
STEPS_FOR_MEMORY = 3  # as much memory as nine
DTYPES = {"bfloat16": torch.bfloat16, "float32": torch.float32}

Work = Callable[[int], object]
"""One measured piece of work; told the number of the round."""


@dataclass(frozen=True)
class Setting:
    """What is measured."""

    folder: Path
    device: torch.device
    dtype: torch.dtype
    side_px: int


@dataclass
class Contender:
    """An engine: what it does, by name, how long it took, and how many products that is."""

    name: str
    works: dict[str, Work]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    flops: dict[str, int] = field(default_factory=dict)
    first_turns_s: float = 0.0

    def warm_up(self, work: str, device: torch.device) -> None:
        """Does a piece of work for the first time."""
        self.measure(work, 0, device)
        self.first_turns_s += self.seconds[work].pop()

    def count(self, work: str) -> None:
        """Does a piece of work for the first time, and counts what it is made of."""
        self.flops[work] = count_flops(lambda: self.works[work](0))

    def tera(self, work: str) -> float:
        """Returns a work's multiplications and additions in 10¹², those of a whole picture from its parts."""
        if work != PICTURE:
            return self.flops.get(work, 0) / 1e12
        return sum(self.tera(part) * (FORWARDS if part == STEP else 1) for part in self.flops)

    def measure(self, work: str, number: int, device: torch.device) -> None:
        """Does one piece of work and notes its time."""
        _synchronize(device)
        started = time.perf_counter()
        self.works[work](number)
        _synchronize(device)
        self.seconds.setdefault(work, []).append(time.perf_counter() - started)

    def median_s(self, work: str) -> float:
        """Returns the median of a work's times."""
        return statistics.median(self.seconds[work])


def open_diffusers(setting: Setting) -> Any:
    """Loads the folder as a user of diffusers does."""
    from diffusers import ZImagePipeline as Peer

    pipeline = Peer.from_pretrained(setting.folder, dtype=setting.dtype, local_files_only=True).to(setting.device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def open_native(setting: Setting, attention: str | None = None) -> ZImagePipeline:
    """Loads the folder with the native library."""
    return ZImagePipeline.from_local_dir(setting.folder, setting.device, setting.dtype, attention)


def draw_latents(setting: Setting, pipeline: ZImagePipeline) -> torch.Tensor:
    """Returns initial noise (1, C, h, w) of a fixed seed."""
    side = setting.side_px // pipeline.vae.config.size_multiple
    channels = pipeline.transformer.config.in_channels
    noise = torch.randn(1, channels, side, side, generator=torch.Generator().manual_seed(0))
    return noise.to(setting.device, setting.dtype)


def diffusers_contender(peer: Any, setting: Setting, latents: torch.Tensor, *, compiled: bool) -> Contender:
    """Says how diffusers does each piece of work."""
    if compiled:
        peer.transformer.compile_repeated_blocks(fullgraph=True)
    caption = peer.encode_prompt(PROMPT.format(0), do_classifier_free_guidance=False)[0]
    times = torch.tensor([0.5], device=setting.device)
    typed, sigmas = [latents[0].unsqueeze(1)], linear_sigmas(STEPS)
    return Contender(
        "diffusers",
        {
            "text encoder": lambda number: peer.encode_prompt(PROMPT.format(number), do_classifier_free_guidance=False),
            STEP: lambda _: peer.transformer(typed, times, caption, return_dict=False),
            "autoencoder, decode": lambda _: peer.vae.decode(latents, return_dict=False),
            PICTURE: lambda number: peer(
                PROMPT.format(number), height=setting.side_px, width=setting.side_px, sigmas=sigmas,
                guidance_scale=0.0, generator=torch.Generator().manual_seed(0),
            ),
        },
    )  # fmt: skip


def native_contender(
    pipeline: ZImagePipeline, setting: Setting, latents: torch.Tensor, *, compiled: bool, name: str = "native"
) -> Contender:
    """Says how the native library does each piece of work."""
    if compiled:
        pipeline.compile()
    captions = pipeline.text_encoder.encode([PROMPT.format(0)])
    times = torch.linspace(0, 0.9, len(linear_sigmas(STEPS)), device=setting.device)

    def prepare(_: int = 0) -> tuple[Predictor, Factors]:
        predictor = Predictor(pipeline.transformer, captions, *latents.shape[-2:])
        return predictor, pipeline.transformer.modulate(times)

    predictor, factors = prepare()
    typed = latents.to(pipeline.vae.dtype)  # the weights' own, or the compute dtype

    def encode(number: int) -> object:
        pipeline.text_encoder.cache.clear()
        return pipeline.text_encoder.encode([PROMPT.format(number)])

    def draw(number: int) -> object:
        pipeline.text_encoder.cache.clear()
        return pipeline(
            PROMPT.format(number), height=setting.side_px, width=setting.side_px, num_inference_steps=STEPS,
            generator=torch.Generator().manual_seed(0),
        )  # fmt: skip

    return Contender(
        name,
        {
            "text encoder": encode,
            PREPARE: prepare,
            STEP: lambda _: predictor(latents, factors.at(0)),
            "autoencoder, decode": lambda _: pipeline.vae.decode(typed),
            PICTURE: draw,
        },
    )


@torch.inference_mode()
def compare(
    contenders: Sequence[Contender], rounds: int, device: torch.device, *, compiled: bool, limit_s: float
) -> None:
    """Lets the contenders take turns at each piece of work.

    Args:
        contenders: the engines.
        rounds: turns of each.
        device: where they run.
        compiled: whether whole pictures need a first turn that does not count: else their parts have had theirs.
        limit_s: after so long no further round of a piece of work begins.
    """
    for work in contenders[-1].works:
        able = [contender for contender in contenders if work in contender.works]
        for contender in able:
            if compiled:
                contender.warm_up(work, device)
            elif work != PICTURE:
                contender.count(work)
        started = time.perf_counter()
        for number in range(1, rounds + 1):
            for contender in able if number % 2 else able[::-1]:
                contender.measure(work, number, device)
            if time.perf_counter() - started > limit_s:
                break


def measure(setting: Setting, options: argparse.Namespace, *, compiled: bool) -> list[str]:
    """Measures one way of running, and returns the lines of the table."""
    native, peer = open_native(setting), open_diffusers(setting)
    with torch.inference_mode():
        latents = draw_latents(setting, native)
        contenders = [
            diffusers_contender(peer, setting, latents, compiled=compiled),
            native_contender(native, setting, latents, compiled=compiled),
        ]
    compare(contenders, options.rounds, setting.device, compiled=compiled, limit_s=options.limit_s)
    theirs, ours = contenders
    start = f"| {options.label} | {'compiled' if compiled else 'eager'} |"
    lines = [f"{start} {work} | {_beside(theirs, ours, work)} |" for work in ours.works]
    if compiled:
        lines.append(
            f"{start} first turns, compiler included | {_ms(theirs.first_turns_s)} | {_ms(ours.first_turns_s)} | | |"
        )
    return lines


def _beside(theirs: Contender, ours: Contender, work: str) -> str:
    """Returns the times of both and their ratio; what diffusers does within its step has none there."""
    own = ours.median_s(work)
    if work not in theirs.works:
        return f"within a step | {_ms(own)} |  | {_tera(ours.tera(work))}"
    counted = f"{_tera(theirs.tera(work))}, {_tera(ours.tera(work))}" if ours.flops else ""
    return f"{_ms(theirs.median_s(work))} | {_ms(own)} | {theirs.median_s(work) / own:.2f} | {counted}"


def measure_kernels(setting: Setting, options: argparse.Namespace, *, compiled: bool) -> list[str]:
    """Measures a step and a picture of the native library with every attention kernel that works."""
    lines = []
    pipeline = open_native(setting)
    config = pipeline.transformer.config
    for name in KERNELS:
        try:
            choice = choose_attention(
                name, setting.device, setting.dtype, n_heads=config.n_heads, head_dim=config.head_dim
            )
        except AttentionUnavailable as error:
            print(f"{name}: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        pipeline.transformer.set_attention(choice.attend)
        if compiled:
            torch.compiler.reset()  # torch keeps few versions of a block, and every kernel is another one
        with torch.inference_mode():
            contender = native_contender(
                pipeline, setting, draw_latents(setting, pipeline), compiled=compiled, name=name
            )
        contender.works = {work: contender.works[work] for work in (STEP, PICTURE)}
        compare([contender], options.rounds, setting.device, compiled=compiled, limit_s=options.limit_s)
        lines += [
            f"| {options.label} | {'compiled' if compiled else 'eager'}, {name} | {work} | | "
            f"{_ms(contender.median_s(work))} | | |"
            for work in contender.works
        ]
    return lines


def peak_memory(setting: Setting, engine: str) -> float:
    """Returns the gigabytes that a process of its own needs to load one engine and draw one picture."""
    command = [
        sys.executable, __file__, "--peak-of", engine, "--folder", str(setting.folder), "--device", str(setting.device),
        "--dtype", next(name for name, dtype in DTYPES.items() if dtype == setting.dtype),
        "--size", str(setting.side_px),
    ]  # fmt: skip
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def draw_and_tell_peak(setting: Setting, engine: str) -> float:
    """Loads an engine, draws a picture, and returns the peak in gigabytes: of the accelerator, or of the process."""
    pipeline = open_native(setting) if engine == "native" else open_diffusers(setting)
    sides = {"height": setting.side_px, "width": setting.side_px}
    pipeline(PROMPT.format(0), sigmas=linear_sigmas(STEPS_FOR_MEMORY), guidance_scale=0.0, **sides)
    if setting.device.type == "cuda":
        return torch.cuda.max_memory_allocated(setting.device) / 1e9
    return peak_bytes() / 1e9


@contextmanager
def model_folder(name: str, dtype: torch.dtype) -> Iterator[Path]:
    """Gives the embedded model, or writes a random one and deletes it again."""
    if name == "nano":
        yield NANO
        return
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / name
        count = write_random_model(SIZES[name](), folder, dtype)
        print(f"{name}: {count / 1e9:.2f} B random parameters", file=sys.stderr)
        yield folder


def build_table(name: str, options: argparse.Namespace) -> str:
    """Measures a model."""
    device, dtype = torch.device(options.device), DTYPES[options.dtype]
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else describe_machine()
    lines = [
        f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads, at most {options.rounds} rounds.", "",
        "| model | how | what | diffusers | native | ratio | 10¹² operations |", "|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    options.label = f"{name} {options.size}², {options.dtype}"
    with model_folder(name, dtype) as folder:
        setting = Setting(folder, device, dtype, options.size)
        for compiled in (False, True) if options.compile else (False,):
            if compiled:
                torch.compiler.reset()
            lines += measure(setting, options, compiled=compiled)
            if options.every_kernel:
                lines += measure_kernels(setting, options, compiled=compiled)
        if not options.no_memory:
            theirs, ours = (peak_memory(setting, engine) for engine in ("diffusers", "native"))
            lines.append(
                f"| {options.label} | eager | peak memory | {theirs:.2f} GB | {ours:.2f} GB | {theirs / ours:.2f} | |"
            )
    return "\n".join(lines)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _tera(operations: float) -> str:
    return f"{operations:.3g}"


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", help=f"of nano, {', '.join(SIZES)} (default: nano)")
    parser.add_argument("--size", type=int, default=512, help="pixels a side (default: %(default)s)")
    parser.add_argument("--dtype", choices=DTYPES, help="default: bfloat16 on an accelerator, float32 on a processor")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--limit-s", type=float, default=math.inf, help="begin no round of a work after so long")
    parser.add_argument("--compile", action="store_true", help="measure compiled as well")
    parser.add_argument("--every-kernel", action="store_true", help="measure every attention kernel that works")
    parser.add_argument("--no-memory", action="store_true", help="leave the peak memory out")
    parser.add_argument("--write", type=Path, action="append", default=[], help="file with the marks of the models")
    parser.add_argument("--peak-of", choices=("native", "diffusers"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    options.models = options.models or ["nano"]
    if unknown := set(options.models) - {"nano", *SIZES}:
        parser.error(f"unknown models: {', '.join(sorted(unknown))}")
    options.dtype = options.dtype or ("float32" if options.device == "cpu" else "bfloat16")
    return options


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(argv)
    warnings.simplefilter("ignore")  # of the libraries
    if options.peak_of:
        setting = Setting(options.folder, torch.device(options.device), DTYPES[options.dtype], options.size)
        print(json.dumps(draw_and_tell_peak(setting, options.peak_of)))
        return
    for name in options.models:
        table = build_table(name, options)
        print(table, flush=True)
        for file in options.write:
            write(table, file, f"{MARK}:{name}-{options.dtype}")


if __name__ == "__main__":
    main()
