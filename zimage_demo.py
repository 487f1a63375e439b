"""Draws one picture from the command line, on the GPU when there is one.

python zimage_demo.py "一只红色的狐狸" --output fox.png
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from pydantic import ValidationError
from tqdm import tqdm

from backend.main import build_engine
from backend.models.config import Settings
from backend.models.schemas import GenerateRequest
from backend.services.errors import StudioError
from backend.services.generation.engines.hardware import detect_hardware
from backend.services.generation.events import Drawn, JobEvent, Loading, Step
from backend.services.generation.planning.load_plan import choose_devices
from backend.services.generation.resolve import Resolver
from backend.services.generator import ImageGenerator
from backend.services.library.catalogue import Catalogue


def draw(request: GenerateRequest, settings: Settings) -> tuple[Drawn, str]:
    """Generates an image and shows its progress.

    Returns:
        The image, and in words what differs from the request.

    Raises:
        StudioError: the model is not here, does not fit, or fails.
    """
    catalogue, hardware = Catalogue(settings), cache(detect_hardware)
    job = Resolver(settings, catalogue, hardware).resolve(request)
    [device, *_] = choose_devices(hardware(), settings.devices)
    generator = ImageGenerator(settings, catalogue, build_engine(settings), hardware(), device)
    drawn: list[Drawn] = []
    with tqdm(total=job.recipe.forwards, unit="step", desc="Starting") as bar:

        def show(event: JobEvent) -> None:
            match event:
                case Loading(model=model):
                    bar.set_description(f"Loading {model}")
                case Step(done=done):
                    bar.set_description("Denoising")
                    bar.update(done - bar.n)
                case Drawn():
                    drawn.append(event)

        generator.generate(job, show, cancelled=lambda: False)
    return drawn[0], job.note


def parse(arguments: Sequence[str] | None, settings: Settings, *, side_px: int, use_gpu: bool) -> argparse.Namespace:
    """Reads the command line; the two demos differ in their defaults only."""
    parser = argparse.ArgumentParser(description="Draws one picture with the best installed Z-Image model.")
    parser.add_argument("prompt", nargs="?", default="一只红色的狐狸", help="what to draw, in Chinese or English")
    parser.add_argument("--output", type=Path, default=Path("zimage.png"), help="where to write the PNG")
    parser.add_argument("--width", type=int, default=side_px)
    parser.add_argument("--height", type=int, default=side_px)
    parser.add_argument("--steps", type=int, default=settings.default_num_inference_steps)
    parser.add_argument("--seed", type=int, default=settings.default_seed)
    parser.add_argument("--model", default="auto", help="a model's name, or auto for the best one installed")
    parser.add_argument("--cpu", action="store_true", default=not use_gpu, help="use the CPU even when there is a GPU")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, *, side_px: int | None = None, use_gpu: bool = True) -> int:
    """Runs the demo; returns the exit status."""
    settings = Settings()
    options = parse(arguments, settings, side_px=side_px or settings.default_height, use_gpu=use_gpu)
    try:
        request = GenerateRequest(
            prompt=options.prompt,
            width=options.width,
            height=options.height,
            num_inference_steps=options.steps,
            seed=options.seed,
            model=options.model,
            use_gpu=not options.cpu,
        )
        picture, note = draw(request, settings)
        options.output.parent.mkdir(parents=True, exist_ok=True)
        picture.image.save(options.output, format="PNG")
    except ValidationError as error:
        problems = (f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in error.errors())
        print("\n".join(problems), file=sys.stderr)
        return 2
    except (StudioError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    size = f"{picture.image.width}×{picture.image.height}"
    seconds = picture.generation_time_ms / 1000
    model, seed = picture.recipe.model, picture.recipe.seed
    print(f"{options.output}: {model} on {picture.device}, {size}, seed {seed}, {seconds:.1f} s")
    if note:
        print(note)
    return 0


if __name__ == "__main__":
    sys.exit(main())
