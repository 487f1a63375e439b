"""Shared by the two command lines: arguments, loading, generation, and writing PNGs."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import get_args

import torch
from loguru import logger
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from zimage.config import InferenceSettings
from zimage.errors import ConfigError
from zimage.outputs import StepEvent
from zimage.pipeline import ZImagePipeline
from zimage.placement import default_device, default_dtype
from zimage.quant.linear import QUANTIZATIONS
from zimage.residency.levels import Residency, TextEncoderLevel
from zimage.tiling import Tiles

METADATA_KEY = "zimage"
Size = tuple[int, int]
"""Width and height in pixels."""

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16, "float32": torch.float32}


@dataclass(frozen=True)
class Job:
    """One image to generate."""

    prompt: str
    settings: InferenceSettings

    def to_json(self) -> str:
        """Returns prompt and settings as ASCII JSON with sorted keys."""
        return json.dumps({"prompt": self.prompt, **asdict(self.settings)}, sort_keys=True)


def add_model_arguments(parser: argparse.ArgumentParser, embedded: Path) -> None:
    """Adds the arguments that select and place a model.

    Args:
        parser: parser to extend.
        embedded: folder of the default model.
    """
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", type=Path, default=embedded,
        help="a folder in the published layout, or a safetensors or GGUF file: of the transformer, or of all parts "
        "(default: the demo model)",
    )  # fmt: skip
    group.add_argument("--text-encoder", type=Path, help="file of Qwen3-4B, for a transformer in a file of its own")
    group.add_argument("--vae", type=Path, help="file of the autoencoder, for the same")
    group.add_argument("--shift", type=float, help="of the schedule, which a file cannot tell (default: 3, as Turbo's)")
    group.add_argument("--device", help="cuda, mps or cpu (default: the best there is)")
    group.add_argument(
        "--dtype", choices=DTYPES,
        help="default: bfloat16 on an accelerator, float16 on a CUDA card older than Ampere, float32 on a processor",
    )  # fmt: skip
    group.add_argument(
        "--quantization", choices=QUANTIZATIONS, help="of matrices in memory (default: none, all in --dtype)"
    )
    group.add_argument(
        "--resident-blocks", type=int, metavar="N",
        help="blocks of the transformer that stay on the device; the others are streamed (default: all stay)",
    )  # fmt: skip
    group.add_argument(
        "--encoder-residency", choices=get_args(TextEncoderLevel), default="resident",
        help="whether the text encoder stays on the device, is out until prompts are read, or comes layer by layer",
    )  # fmt: skip
    group.add_argument(
        "--vae-tiles", type=int, metavar="N", help="decode in tiles of N latents a side (default: whole)"
    )
    group.add_argument("--attention", help="kernel (default: ZIMAGE_ATTENTION, or what is fastest)")
    group.add_argument("--compile", action="store_true", help="compile the transformer's block first")


def add_image_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the sampling arguments; sizes and prompts are left to the command."""
    group = parser.add_argument_group("image")
    group.add_argument("--steps", type=int, default=9, help="points of the schedule; 9 are 8 forwards (default: 9)")
    group.add_argument(
        "--guidance", type=float, default=0.0, help="0 for Turbo, 3 to 5 for the base model (default: 0)"
    )
    group.add_argument("--negative-prompt", help="what shall not be seen; needs guidance")
    group.add_argument("--cfg-normalization", type=float, default=0.0, help="bounds a guided prediction (default: off)")
    group.add_argument(
        "--cfg-truncation", type=float, default=1.0, help="no guidance for times above this (default: 1)"
    )
    group.add_argument("--seed", type=int, default=42, help="of the noise (default: %(default)s)")


def settings_from(arguments: argparse.Namespace, width: int, height: int) -> InferenceSettings:
    """Builds the settings of one image.

    Raises:
        ConfigError: a setting is out of range.
    """
    return InferenceSettings(
        height=height, width=width, num_inference_steps=arguments.steps, guidance_scale=arguments.guidance,
        negative_prompt=arguments.negative_prompt, cfg_truncation=arguments.cfg_truncation,
        cfg_normalization=arguments.cfg_normalization, seed=arguments.seed,
    )  # fmt: skip


def parse_size(text: str) -> tuple[int, int]:
    """Parses WIDTHxHEIGHT, or one number for a square.

    Raises:
        ConfigError: the text is neither.
    """
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.isascii() and side.isdigit() for side in sides):
        raise ConfigError(f"a size is WIDTHxHEIGHT in pixels, got {text!r}")
    return int(sides[0]), int(sides[-1])


def sizes_of(model: Path) -> list[Size]:
    """Returns the widths and heights that a model has learned, from its `zimage.json`; none when it does not say."""
    try:
        facts = json.loads((model / "zimage.json").read_text("utf-8"))
        return [(int(width), int(height)) for width, height in facts["sizes"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []


def default_size(own_sizes: Sequence[Size]) -> Size:
    """Returns the first size of a model; that of Z-Image-Turbo for models that draw every size."""
    return own_sizes[0] if own_sizes else (InferenceSettings.width, InferenceSettings.height)


def warn_of_sizes(sizes: Iterable[Size], own_sizes: Sequence[Size]) -> None:
    """Warns of each size that a model has not learned."""
    for size in dict.fromkeys(sizes):
        if own_sizes and size not in own_sizes:
            known = ", ".join(map(_named, own_sizes))
            logger.warning("this model has not learned {} and draws it badly; its sizes are {}", _named(size), known)


def _named(size: Size) -> str:
    return f"{size[0]}×{size[1]}"


def describe_model(arguments: argparse.Namespace) -> str:
    """Returns the names of the model's folder or files, dtype and quantisation; loads nothing."""
    chosen = default_dtype(torch.device(arguments.device or default_device()))
    dtype = arguments.dtype or str(chosen).removeprefix("torch.")
    files = [path.resolve().name for path in (arguments.model, arguments.text_encoder, arguments.vae) if path]
    quantized = f", matrices in {arguments.quantization}" if arguments.quantization else ""
    shift = "" if arguments.shift is None else f", shift {arguments.shift:g}"
    tiles = "" if arguments.vae_tiles is None else f", tiles of {arguments.vae_tiles}"
    return f"{' + '.join(files)} in {dtype}{quantized}{shift}{tiles}"


def open_pipeline(arguments: argparse.Namespace) -> ZImagePipeline:
    """Loads the selected model.

    Raises:
        ConfigError: options are for files, and the model is a folder; or one is out of range.
    """
    residency = Residency(arguments.resident_blocks, arguments.encoder_residency)
    tiles = _tiles_from(arguments.vae_tiles)
    dtype = None if arguments.dtype is None else DTYPES[arguments.dtype]
    own = {"text_encoder": arguments.text_encoder, "vae": arguments.vae, "shift": arguments.shift}
    given = {name: value for name, value in own.items() if value is not None}
    if arguments.model.is_file():
        pipeline = ZImagePipeline.from_files(
            arguments.model,
            device=arguments.device,
            dtype=dtype,
            attention=arguments.attention,
            vae_tiles=tiles,
            quantization=arguments.quantization,
            residency=residency,
            **given,
        )
    elif given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(f"{names} are for a --model that is a file; {arguments.model} is none")
    else:
        pipeline = ZImagePipeline.from_local_dir(
            arguments.model,
            arguments.device,
            dtype,
            arguments.attention,
            tiles,
            quantization=arguments.quantization,
            residency=residency,
        )
    if arguments.compile:
        pipeline.compile()
    return pipeline


def _tiles_from(side: int | None) -> Tiles | None:
    """Returns tiles that overlap by a quarter."""
    if side is not None and side < 1:
        raise ConfigError(f"--vae-tiles must be 1 or more, got {side}")
    return None if side is None else Tiles(side, side // 4)


def draw(pipeline: ZImagePipeline, job: Job) -> Image.Image:
    """Generates one image; reports steps on standard error."""
    settings = job.settings

    def report(event: StepEvent) -> None:
        print(f"\r  step {event.done} of {event.total}", end="" if event.done < event.total else "\n", file=sys.stderr)

    images = pipeline(
        job.prompt,
        height=settings.height,
        width=settings.width,
        num_inference_steps=settings.num_inference_steps,
        guidance_scale=settings.guidance_scale,
        negative_prompt=settings.negative_prompt,
        cfg_truncation=settings.cfg_truncation,
        cfg_normalization=settings.cfg_normalization,
        generator=torch.Generator("cpu").manual_seed(settings.seed or 0),
        on_step=report,
    ).images
    return next(iter(images))


def save_image(image: Image.Image, path: Path, job: Job) -> None:
    """Writes a PNG with its job as metadata, atomically."""
    info = PngInfo()
    info.add_text(METADATA_KEY, job.to_json())
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    try:
        image.save(unfinished, format="PNG", pnginfo=info)
        unfinished.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            unfinished.unlink()
