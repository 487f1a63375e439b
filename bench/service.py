"""Measures a running server: a warm picture, what surrounds the model, the history, /health under load.

python bench/service.py [--runs 7] [--entries 10000] [--write README.md]
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.models.recipe import Recipe  # noqa: E402
from backend.services.generation.events import Drawn  # noqa: E402
from backend.services.generation.preview import encode_preview  # noqa: E402
from backend.services.images.store import HistoryStore  # noqa: E402
from backend.services.library.preview_map import FLUX_VAE_MAP  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:service"
POLL_S = 0.002
NANO_STRIDE_PX, TURBO_STRIDE_PX = 16, 8
"""Pixels a latent stands for."""
TASK_TIMEOUT_S = 600.0


class Client:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def call(self, method: str, path: str, body: object = None) -> Any:
        payload = None if body is None else json.dumps(body)
        self._connection.request(method, path, payload, {"Content-Type": "application/json"} if payload else {})
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path} answered {response.status}: {content[:200]!r}")
        return json.loads(content) if content else None

    def timed_ms(self, path: str) -> float:
        started = time.perf_counter()
        self.call("GET", path)
        return (time.perf_counter() - started) * 1000

    def submit(self, **fields: object) -> str:
        request = {"prompt": "a red apple", "width": 512, "height": 512, "seed": 42, **fields}
        return self.call("POST", "/api/generate", request)["task_id"]

    def wait(self, task_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + TASK_TIMEOUT_S
        while time.monotonic() < deadline:
            task = self.call("GET", f"/api/generate/{task_id}")
            if task["status"] not in ("pending", "processing"):
                if task["status"] != "completed":
                    raise RuntimeError(f"task {task['status']}: {task['error']}")
                return task
            time.sleep(POLL_S)
        raise TimeoutError(task_id)


@contextmanager
def server(data_dir: Path) -> Iterator[tuple[int, float]]:
    """Runs the backend on free ports; yields the API port and the seconds it took to be ready."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "--port", "0", "--web-port", "0", "--data-dir", str(data_dir)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "ZIMAGE_LOG_LEVEL": "WARNING"},
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the server has no output")
        line = process.stdout.readline()  # the ready line; empty when the server died
        if "API" not in line:
            raise RuntimeError("the server did not start")
        yield int(line.split("API ")[1].split()[0].rsplit(":", 1)[1]), time.perf_counter() - started
    finally:
        process.terminate()
        process.wait(timeout=30)


def fill(data_dir: Path, entries: int) -> None:
    """Makes a history of many pictures, each file a hard link to one small PNG."""
    images = data_dir / "images"
    history = HistoryStore(images, data_dir / "history.json")
    history.open()
    recipe = Recipe(prompt="a red apple", width=256, height=256, num_inference_steps=9, seed=42, model="zimage-nano")
    picture = Drawn(Image.new("RGB", (256, 256)), recipe, "cpu", 900.0)
    first = history.add(picture)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    records = []
    for number in range(entries - 1):
        image_id = f"{number:032x}"
        copy = first.model_copy(
            update={"id": image_id, "filename": f"{image_id}.png", "created_at": start + timedelta(seconds=number)}
        )
        os.link(images / first.filename, images / copy.filename)
        records.append(copy.model_dump(mode="json"))
    (data_dir / "history.json").write_text(
        json.dumps({"version": 1, "images": [*records, first.model_dump(mode="json")]})
    )


def measure_pictures(client: Client, runs: int) -> tuple[list[Row], float]:
    """A warm 512×512 picture of 9 steps, and the part of it that is not the model; also the milliseconds a step."""
    client.wait(client.submit())
    totals, around, steps_ms = [], [], []
    for _ in range(runs):
        started = time.perf_counter()
        task = client.wait(client.submit())
        total_ms = (time.perf_counter() - started) * 1000
        totals.append(total_ms / 1000)
        around.append(total_ms - task["result"]["generation_time_ms"])
        steps_ms.append(1000 * task["timings"]["denoise_s"] / (task["steps"] - 1))
    picture = task["result"]
    drawn = f"{picture['width']}×{picture['height']}"
    rows = [
        Row(
            f"512×512 asked of {picture['model']} (drawn at {drawn}), 9 steps, warm, from the post to `completed`",
            f"{statistics.median(totals):.2f} s",
            "≤ 3 s",
        ),
        Row("of it, everything that is not the model", f"{statistics.median(around):.0f} ms", "≤ 60 ms"),
    ]
    return rows, statistics.median(steps_ms)


def measure_previews(step_ms: float, side_px: int) -> list[Row]:
    """What a preview takes of a step, and what is made of it only for those who look."""
    import torch

    from backend.services.generation.engines.latents import to_pixels

    def map_ms(side: int) -> float:
        latents = torch.randn(16, side, side)
        return median_ms(lambda: to_pixels(latents, FLUX_VAE_MAP))

    small_ms, large_ms = map_ms(side_px // NANO_STRIDE_PX), map_ms(1024 // TURBO_STRIDE_PX)
    pixels = to_pixels(torch.randn(16, 1024 // TURBO_STRIDE_PX, 1024 // TURBO_STRIDE_PX), FLUX_VAE_MAP)
    return [
        Row(
            f"a preview within a step of zimage-nano ({step_ms:.0f} ms at {side_px}×{side_px})",
            f"{small_ms:.2f} ms, {100 * small_ms / step_ms:.1f} %",
            "≤ 2 %",
        ),
        Row(
            "the same of Turbo's latents at 1024×1024, on this processor",
            f"{large_ms:.2f} ms: ≤ 2 % of any step above {large_ms / 0.02:.0f} ms",
            "",
        ),
        Row(
            "its WebP, on another thread, for those who look", f"{median_ms(lambda: encode_preview(pixels)):.1f} ms", ""
        ),
    ]


def median_ms(work: Callable[[], object], runs: int = 50) -> float:
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times[1:])  # the first one warms up


def measure_history(client: Client, entries: int) -> list[Row]:
    """The first page and a late one."""
    first = statistics.median(client.timed_ms("/api/history") for _ in range(100))
    late = statistics.median(client.timed_ms(f"/api/history?page={entries // 25}") for _ in range(100))
    return [
        Row(
            f"GET /api/history at {entries:,} pictures, p50: first page / late page",
            f"{first:.1f} / {late:.1f} ms",
            "≤ 10 ms",
        )
    ]


def measure_health(port: int) -> list[Row]:
    """/health while ten pictures are made."""
    client, times, done = Client(port), [], threading.Event()

    def watch() -> None:
        watcher = Client(port)
        while not done.is_set():
            times.append(watcher.timed_ms("/health"))
            time.sleep(0.02)

    thread = threading.Thread(target=watch)
    thread.start()
    tasks = [client.wait(task_id) for task_id in [client.submit(seed=seed) for seed in range(10)]]
    done.set()
    thread.join()
    created = [task["result"]["created_at"] for task in tasks]
    order = "in order" if created == sorted(created) else "NOT in order"
    p50, p99 = statistics.median(times), statistics.quantiles(times, n=100)[98]
    return [
        Row(
            f"GET /health while ten posted pictures are made ({order}), p50 / p99",
            f"{p50:.1f} / {p99:.1f} ms",
            "< 100 ms",
        )
    ]


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--entries", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        data_dir = Path(temporary)
        fill(data_dir, options.entries)
        with server(data_dir) as (port, ready_s):
            client = Client(port)
            rows = [Row(f"start to ready with {options.entries:,} pictures", f"{ready_s:.1f} s", "")]
            pictures, step_ms = measure_pictures(client, options.runs)
            rows += pictures
            side_px = client.call("GET", "/api/images/latest")["width"]
            rows += measure_history(client, options.entries)
            rows += measure_health(port)
    rows += measure_previews(step_ms, side_px)
    publish(rows, MARK, options.write)


if __name__ == "__main__":
    main()
