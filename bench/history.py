"""Measures the history at many pictures: start, pages, search, adding, memory.

python bench/history.py [--entries 100000] [--runs 50] [--write README.md]
"""

from __future__ import annotations

import asyncio
import gc
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from backend.models.recipe import Recipe  # noqa: E402
from backend.models.schemas import ImageRecord  # noqa: E402
from backend.services.generation.events import Drawn  # noqa: E402
from backend.services.images.history_file import HistoryFile, line_of  # noqa: E402
from backend.services.images.index import HistoryQuery  # noqa: E402
from backend.services.images.store import HistoryStore  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:history"
_LINKS = 50_000
"""A file may have so many names."""
WORDS = (
    *(f"word{number}" for number in range(400)),
    *(chr(0x4E00 + number) * 2 for number in range(200)),
    "fox",
    "狐狸",
)


def fill(folder: Path, entries: int) -> None:
    """Makes a history whose files are all links to one small picture."""
    images = folder / "images"
    images.mkdir()
    one = Image.new("RGB", (64, 64), (200, 30, 30))
    dice, start = random.Random(1), datetime(2026, 1, 1, tzinfo=UTC)
    lines = []
    for number in range(entries):
        record = ImageRecord(
            id=f"{number:032x}", filename=f"{number:032x}.png", prompt=" ".join(dice.choices(WORDS, k=12)), width=1024,
            height=1024, num_inference_steps=9, use_gpu=True, size_bytes=1_400_000, model="z-image-turbo", seed=number,
            created_at=start + timedelta(seconds=number), generation_time_ms=745.0, device="cuda",
            pixel_hash=f"{number:064x}", favourite=number % 50 == 0,
        )  # fmt: skip
        if number % _LINKS == 0:
            one.save(source := images / record.filename)
        else:
            os.link(source, images / record.filename)
        lines.append(line_of(record).json)
    HistoryFile(folder / "history.json").write(lines)


def p50_ms(work: Callable[[], object], runs: int) -> float:
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


async def delays_ms(work: Callable[[], object], runs: int) -> list[float]:
    """Does something on another thread, as the server does; returns by how much the event loop was late meanwhile."""
    loop, delays = asyncio.get_running_loop(), []

    async def watch() -> None:
        while True:
            due = loop.time() + 0.002
            await asyncio.sleep(0.002)
            delays.append((loop.time() - due) * 1000)

    watcher = asyncio.create_task(watch())
    for _ in range(runs):
        await asyncio.to_thread(work)
    watcher.cancel()
    return delays


def measure(folder: Path, entries: int, runs: int) -> list[Row]:
    process = psutil.Process()
    gc.collect()
    before = process.memory_info().rss
    store = HistoryStore(folder / "images", folder / "history.json")
    started = time.perf_counter()
    store.open()
    opened_s = time.perf_counter() - started
    gc.collect()
    grown = process.memory_info().rss - before
    recipe = Recipe(prompt="a red apple", width=256, height=256, num_inference_steps=9, seed=42, model="zimage-nano")
    picture = Drawn(Image.new("RGB", (256, 256)), recipe, "cpu", 900.0)

    def find(**values: object) -> Callable[[], object]:
        return lambda: store.find(HistoryQuery(**values))  # type: ignore[arg-type]

    hits = store.find(HistoryQuery(text="fox 狐狸")).total
    search = p50_ms(find(text="fox 狐狸"), runs)

    def add() -> None:
        store.add(picture)

    def add_and_search() -> float:
        add()
        return p50_ms(find(text="o"), 1)

    common = statistics.median(add_and_search() for _ in range(runs))
    late = [max(asyncio.run(delays_ms(work, runs)), default=0.0) for work in (add, find(text="o"))]
    at = f"at {entries:,} pictures"
    rows = [
        Row(f"opening the history {at}", f"{opened_s:.2f} s", "≤ 3 s"),
        Row(f"first page {at}, p50", f"{p50_ms(find(), runs):.2f} ms", "≤ 5 ms"),
        Row(f"late page {at}, p50", f"{p50_ms(find(page=entries // 25), runs):.2f} ms", ""),
        Row(f"search for two words {at} ({hits} hits), p50", f"{search:.1f} ms", "≤ 50 ms"),
        Row(f"search for a letter that nearly all have {at}, right after an add, p50", f"{common:.1f} ms", "≤ 50 ms"),
        Row(f"search with filters {at}, p50", f"{p50_ms(find(text='狐狸', favourite=True), runs):.1f} ms", "≤ 50 ms"),
        Row(f"adding a 256×256 picture {at}, p50", f"{p50_ms(add, runs):.1f} ms", "≤ 30 ms"),
        Row("the event loop's delay meanwhile, at most: adding / searching", f"{late[0]:.1f} / {late[1]:.1f} ms", ""),
        Row(f"memory of the records {at}", f"{grown / 2**20:.0f} MiB", ""),
    ]
    store.close()
    return rows


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=50)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        fill(Path(temporary), options.entries)
        rows = measure(Path(temporary), options.entries, options.runs)
    publish(rows, MARK, options.write)


if __name__ == "__main__":
    main()
