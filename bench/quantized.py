"""Matrices held in int8 and fp8 beside plain ones, in one process, taking turns: times of the parts and of a picture.

python bench/quantized.py medium --rounds 3 --write bench/README.md

The plain engine is the native one in float32 or bfloat16, whichever does a step of the transformer faster; the
quantised ones compute in the same dtype. A round measures each once, in an order that changes; the table has medians
and the ratio of the plain one's to theirs. Held are the bytes of all weights, of the autoencoder too; the difference of
a picture is the mean over its values, of 255 levels.
"""

from __future__ import annotations

import argparse
import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from zimage import ZImagePipeline  # noqa: E402
from zimage.quant.linear import QuantLinear  # noqa: E402
from zimage.quant.packing import FORMATS  # noqa: E402

from bench.machine import describe_machine  # noqa: E402
from bench.native_vs_diffusers import (  # noqa: E402
    DTYPES,
    PICTURE,
    PROMPT,
    STEP,
    STEPS,
    Contender,
    Setting,
    compare,
    draw_latents,
    model_folder,
    native_contender,
)
from bench.random_model import SIZES  # noqa: E402
from bench.table import write  # noqa: E402

MARK = "bench:quantized"
WORKS = ("text encoder", STEP, PICTURE)


def open_pipeline(setting: Setting, quantization: str | None) -> ZImagePipeline:
    """Loads the folder with plain or quantised matrices."""
    return ZImagePipeline.from_local_dir(setting.folder, setting.device, setting.dtype, quantization=quantization)


def contender_of(pipeline: ZImagePipeline, setting: Setting, name: str) -> Contender:
    """Says how a pipeline does the works that are compared."""
    with torch.inference_mode():
        contender = native_contender(pipeline, setting, draw_latents(setting, pipeline), compiled=False, name=name)
    contender.works = {work: contender.works[work] for work in WORKS}
    return contender


def choose_dtype(setting: Setting) -> tuple[torch.dtype, dict[str, float]]:
    """Returns the dtype in which the plain engine does a step faster, and the seconds of each."""
    took_s = {}
    for name, dtype in DTYPES.items():
        typed = replace(setting, dtype=dtype)
        contender = contender_of(open_pipeline(typed, None), typed, name)
        contender.works = {STEP: contender.works[STEP]}
        compare([contender], 2, setting.device, compiled=False, limit_s=math.inf)
        took_s[name] = min(contender.seconds[STEP])
    return DTYPES[min(took_s, key=lambda name: took_s[name])], took_s


def held_bytes(pipeline: ZImagePipeline) -> int:
    """Returns the size of all weights of a pipeline."""
    models = (pipeline.transformer, pipeline.text_encoder.model, pipeline.vae)
    values = [value for model in models for value in (*model.parameters(), *model.buffers())]
    return sum(value.numel() * value.dtype.itemsize for value in values)


def product_of(pipeline: ZImagePipeline) -> str:
    """Returns the names of the products that multiply quantised matrices."""
    layers = [module for module in pipeline.transformer.modules() if isinstance(module, QuantLinear)]
    return ", ".join(sorted({layer.product.name for layer in layers})) or "plain"


def draw(pipeline: ZImagePipeline, setting: Setting) -> torch.Tensor:
    """Draws a picture of a fixed seed."""
    return pipeline(
        PROMPT.format(0), height=setting.side_px, width=setting.side_px, num_inference_steps=STEPS,
        generator=torch.Generator().manual_seed(0), output_type="pt",
    ).images  # fmt: skip


def build_table(name: str, options: argparse.Namespace) -> str:
    """Measures a model."""
    device = torch.device(options.device)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else describe_machine()
    with model_folder(name, torch.bfloat16) as folder:
        setting = Setting(folder, device, torch.float32, options.size)
        dtype, took_s = choose_dtype(setting)
        setting = replace(setting, dtype=dtype)
        pipelines = {held: open_pipeline(setting, held) for held in (None, *FORMATS)}
        contenders = [contender_of(pipeline, setting, str(held)) for held, pipeline in pipelines.items()]
        compare(contenders, options.rounds, device, compiled=False, limit_s=options.limit_s)
        plain = draw(pipelines[None], setting)
        rows = [
            _row(f"{name} {options.size}²", contender, contenders[0], pipeline, plain, draw(pipeline, setting))
            for contender, pipeline in zip(contenders, pipelines.values(), strict=True)
        ]
    steps = ", ".join(f"{name} {seconds * 1000:.1f} ms" for name, seconds in took_s.items())
    machine = f"{where}, torch {torch.__version__}, {torch.get_num_threads()} threads, at most {options.rounds} rounds"
    lines = [
        f"{machine}. A step with plain matrices: {steps}.",
        "",
        f"| model | matrices | product | held | {' | '.join(WORKS)} | difference |",
        f"|---|---|---|---|{'---|' * len(WORKS)}---|",
    ]
    return "\n".join(lines + rows)


def _row(
    model: str, own: Contender, plain: Contender, pipeline: ZImagePipeline, expected: torch.Tensor, given: torch.Tensor
) -> str:
    dtype = str(pipeline.transformer.dtype).removeprefix("torch.")
    matrices = dtype if own is plain else f"{own.name}, the rest {dtype}"
    times = " | ".join(_beside(own.median_s(work), plain.median_s(work), is_plain=own is plain) for work in WORKS)
    difference = 255 * float((given - expected).abs().mean())
    held = f"{held_bytes(pipeline) / 1e9:.2f} GB"
    return f"| {model} | {matrices} | {product_of(pipeline)} | {held} | {times} | {difference:.1f} |"


def _beside(own_s: float, plain_s: float, *, is_plain: bool) -> str:
    return f"{own_s * 1000:.1f} ms" + ("" if is_plain else f" ({plain_s / own_s:.2f})")


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", default=["medium"], help=f"of nano, {', '.join(SIZES)} (default: medium)")
    parser.add_argument("--size", type=int, default=512, help="pixels a side (default: %(default)s)")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--limit-s", type=float, default=math.inf, help="begin no round of a work after so long")
    parser.add_argument("--write", type=Path, action="append", default=[], help="file with the marks of the models")
    options = parser.parse_args(argv)
    if unknown := set(options.models) - {"nano", *SIZES}:
        parser.error(f"unknown models: {', '.join(sorted(unknown))}")
    return options


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    options = parse(argv)
    warnings.simplefilter("ignore")  # of the libraries
    for name in options.models:
        table = build_table(name, options)
        print(table, flush=True)
        for file in options.write:
            write(table, file, f"{MARK}:{name}")


if __name__ == "__main__":
    main()
