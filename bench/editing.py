"""Measures what an edit takes besides the model: an image comes in as a file, and the edited one goes out as PNG.

python bench/editing.py [--rounds 9] [--side 1024] [--write bench/README.md]

A fake takes the model's place and returns what it gets. What is counted is the processor's time of the thread: decoding
the file, making it upright, cutting and scaling, mask to latents, noise, image to a tensor, paste-back, and the PNG.
"""

from __future__ import annotations

import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

import numpy as np  # noqa: E402
from PIL import Image, ImageDraw  # noqa: E402

from backend.models.recipe import Recipe  # noqa: E402
from backend.services.generation.engines.editing import Drawing, Geometry, edit_image  # noqa: E402
from backend.services.generation.inputs import Inputs  # noqa: E402
from backend.utils.png import write_png  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:editing"
PUBLISHED = Geometry(multiple=16, cell=8, channels=16)
IMAGE, MASK = "0" * 64, "1" * 64
BAR_MS = 120


def make_photo(side: int) -> Image.Image:
    """Returns something that compresses as a photograph does: soft shapes, and a little grain."""
    rng = np.random.default_rng(0)
    soft = Image.fromarray(rng.integers(0, 255, (side // 32, side // 32, 3), np.uint8)).resize((side, side))
    return Image.fromarray((np.asarray(soft) + rng.normal(0, 2, (side, side, 3))).clip(0, 255).astype(np.uint8))


def make_files(side: int) -> dict[str, bytes]:
    mask = Image.new("L", (side, side))
    ImageDraw.Draw(mask).ellipse((side // 4, side // 4, side // 2, side // 2), fill=255)
    files = {}
    for digest, image, kind in ((IMAGE, make_photo(side), "JPEG"), (MASK, mask, "PNG")):
        file = io.BytesIO()
        image.save(file, kind, **({"quality": 95} if kind == "JPEG" else {}))
        files[digest] = file.getvalue()
    return files


def edit(files: dict[str, bytes], recipe: Recipe) -> int:
    """Edits once with a model that changes nothing; returns the bytes of the PNG."""
    from zimage.conditions.images import to_tensor

    def redraw(drawing: Drawing) -> Image.Image:
        to_tensor(drawing.image)
        return drawing.image

    inputs = Inputs({digest: Image.open(io.BytesIO(data)) for digest, data in files.items()})
    done, file = edit_image(recipe, inputs, PUBLISHED, redraw), io.BytesIO()
    write_png(done, file, {})
    return len(file.getvalue())


def measure_ms(work: Callable[[], object], rounds: int) -> float:
    """Returns the median of the thread's processor time, after a round that only warms up."""
    times_ms = []
    for _ in range(rounds + 1):
        before = time.thread_time()
        work()
        times_ms.append(1000 * (time.thread_time() - before))
    return statistics.median(times_ms[1:])


def edits(side: int) -> dict[str, dict[str, Any]]:
    return {
        "image to image": {},
        "a mask, feather 16": {"mask": MASK, "feather": 16},
        "only what is masked": {"mask": MASK, "feather": 16, "mask_mode": "only_masked"},
        "an eighth more canvas on the right": {"outpaint": {"right": side // 8}, "width": side + side // 8},
    }


def main(arguments: list[str] | None = None) -> None:
    import torch

    parser = build_parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=1024)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)  # so that the thread's time is all of it
    files = make_files(options.side)
    rows = []
    for name, values in edits(options.side).items():
        size = {"width": options.side, "height": options.side}
        recipe = Recipe(prompt="", num_inference_steps=9, seed=1, model="none", init_image=IMAGE, **{**size, **values})
        took_ms = measure_ms(lambda recipe=recipe: edit(files, recipe), options.rounds)
        rows.append(Row(f"{options.side}²: {name}", f"{took_ms:.0f} ms", f"≤ {BAR_MS} ms"))
    done = make_photo(options.side)
    took_ms = measure_ms(lambda: write_png(done, io.BytesIO(), {}), options.rounds)
    rows.append(Row(f"{options.side}²: of that the PNG", f"{took_ms:.0f} ms", ""))
    publish(rows, MARK, options.write)


if __name__ == "__main__":
    main()
