"""Holds predictions of memory and seconds against what happened, for sizes that were never drawn and for known ones.

python bench/estimate.py [--rounds 3] [--model zimage-nano] [--write README.md]

Everything runs in this process, with the parts of the service: planner, calibration, generator, engine.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.main import build_engine  # noqa: E402
from backend.models.config import Settings  # noqa: E402
from backend.models.recipe import Recipe  # noqa: E402
from backend.services.generation.engines.hardware import detect_hardware  # noqa: E402
from backend.services.generation.engines.process_memory import held_bytes  # noqa: E402
from backend.services.generation.events import Drawn, JobEvent  # noqa: E402
from backend.services.generation.job import Job  # noqa: E402
from backend.services.generation.planning.calibration import Calibration  # noqa: E402
from backend.services.generation.planning.planner import Planner  # noqa: E402
from backend.services.generator import ImageGenerator  # noqa: E402
from backend.services.library.catalogue import Catalogue  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:estimate"
SIDES = ((256, 256), (384, 256), (512, 512), (768, 512), (768, 768))


@dataclass(frozen=True)
class Errors:
    """Relative errors of one prediction, predicted over measured less one."""

    memory: float
    seconds: float


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--model", default="zimage-nano")
    parser.add_argument("--rounds", type=int, default=3, help="of known sizes, after the round of unknown ones")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as data:
        settings = Settings(data_dir=Path(data))
        catalogue = Catalogue(settings)
        hardware = detect_hardware()
        planner = Planner(
            settings, lambda: hardware, Calibration(Path(data) / "calibration.json"), held_bytes=held_bytes
        )
        device = planner.device_for(use_gpu=True)
        generator = ImageGenerator(catalogue, build_engine(settings), planner, device)
        model = catalogue.resolve(arguments.model)

        def draw(width: int, height: int) -> Errors | None:
            recipe = Recipe(
                prompt="a fox", negative_prompt="", width=width, height=height, num_inference_steps=9,
                guidance_scale=model.guidance_scale, shift=None, seed=1, model=model.id,
            )  # fmt: skip
            outlook = planner.outlook(model, recipe, use_gpu=device != "cpu", is_loaded=True)
            drawn: list[Drawn] = []

            def emit(event: JobEvent) -> None:
                if isinstance(event, Drawn):
                    drawn.append(event)

            started = time.perf_counter()
            job = Job(recipe=recipe, num_images=1, use_gpu=device != "cpu", note="")
            generator.generate(job, emit, lambda: False)
            took_s = time.perf_counter() - started
            predicted = outlook.prediction
            if predicted.next_s is None or not drawn or drawn[0].peak_bytes is None:
                return None
            return Errors(predicted.device_bytes / drawn[0].peak_bytes - 1, predicted.next_s / took_s - 1)

        for _ in range(2):  # loads the model, and learns from one size
            draw(*SIDES[0])
        unknown = [draw(*side) for side in SIDES[1:]]
        known = [draw(*side) for _ in range(arguments.rounds) for side in SIDES]
    rows = [
        Row(f"{group}: error of the {what}", percent(errors), bar)
        for group, found in (("sizes never drawn", unknown), ("known sizes", known))
        for what, errors, bar in split(found)
    ]
    publish(rows, MARK, arguments.write)


def split(found: list[Errors | None]) -> list[tuple[str, list[float], str]]:
    """Returns the errors of memory and of seconds, each with its bar."""
    errors = [one for one in found if one is not None]
    return [
        ("memory", [one.memory for one in errors], "± 10 %"),
        ("seconds", [one.seconds for one in errors], "± 20 %"),
    ]


def percent(errors: list[float]) -> str:
    """Formats the median and the worst error."""
    sizes = [abs(error) for error in errors]
    return f"median {100 * statistics.median(sizes):.0f} %, worst {100 * max(sizes):.0f} %" if sizes else "not measured"


if __name__ == "__main__":
    main()
