"""What a request by another program's protocol takes more than the same one by the API, from the request to the pixels.

python bench/doors.py [--runs 40] [--write bench/README.md]

The engine is a fake one that needs no time; the server is the real one, in a process of its own. The API's client
posts, listens to the events and downloads; the door's client posts and waits. They take turns.
"""

from __future__ import annotations

import base64
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from bench.pollers import running, serve_fake  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402
from tests.backend.conftest import make_settings  # noqa: E402
from tests.backend.fakes import FakeEngine  # noqa: E402

MARK = "bench:doors"
SIZES = (256, 512)
"""Sides in pixels: the processor draws no larger ones."""


class NoisyEngine(FakeEngine):
    """Draws noise, the largest file that a picture can have, in no time."""

    def generate(self, *args: object, **values: object) -> Image.Image | None:
        """Draws an image."""
        image = super().generate(*args, **values)  # type: ignore[arg-type]
        if image is None:
            return None
        return Image.fromarray(np.random.default_rng(1).integers(0, 256, (image.height, image.width, 3), np.uint8))


def by_api(client: httpx.Client, side: int, seed: int) -> bytes:
    """Draws a picture by the API."""
    body = {"prompt": "a", "width": side, "height": side, "num_inference_steps": 2, "seed": seed}
    task_id = client.post("/api/generate", json=body).json()["task_id"]
    task: dict[str, object] = {}
    with client.stream("GET", f"/api/generate/{task_id}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                task = json.loads(line.removeprefix("data: "))
    return client.get(str(task["result"]["download_url"])).content  # type: ignore[index]


def by_openai(client: httpx.Client, side: int, seed: int) -> bytes:
    """Draws a picture by the OpenAI Images API."""
    body = {"prompt": "a", "size": f"{side}x{side}", "steps": 2, "seed": seed}
    answer = client.post("/v1/images/generations", json=body)
    return base64.b64decode(answer.json()["data"][0]["b64_json"])


DOORS: dict[str, Callable[[httpx.Client, int, int], bytes]] = {"OpenAI": by_openai}


def measure(url: str, name: str, side: int, runs: int) -> Row:
    """Compares a door with the API, turn about."""
    api, door = [], []
    with httpx.Client(base_url=url, timeout=60) as client:
        for seed in range(runs + 5):
            for draw, times in ((by_api, api), (DOORS[name], door)):
                began = time.perf_counter()
                data = draw(client, side, seed)
                times.append(1000 * (time.perf_counter() - began))
                if not data.startswith(b"\x89PNG"):
                    raise RuntimeError(f"{name} gave no PNG")
    more = statistics.median(b - a for a, b in zip(api[5:], door[5:], strict=True))
    ratio = statistics.median(b / a for a, b in zip(api[5:], door[5:], strict=True))
    return Row(
        f"{name}, {side}×{side} of noise: more than the API's {statistics.median(api[5:]):.1f} ms",
        f"{more:+.1f} ms, {ratio:.2f} of it",
        "≤ 10 ms",
    )


def main() -> None:
    """Measures every door."""
    parser = build_parser(__doc__)
    parser.add_argument("--runs", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        make_settings(Path(folder))
        with running(Path(folder), "noisy", "bench.doors") as server:
            rows = [measure(server.url, name, side, options.runs) for name in DOORS for side in SIZES]
    publish(rows, MARK, options.write)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2] == "noisy":
        serve_fake(Path(sys.argv[1]), "noisy", {"noisy": NoisyEngine})
    else:
        main()
