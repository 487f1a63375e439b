"""Lives a long life in a short time: many tiny tasks with cancels and restarts; then many clients that poll.

python bench/soak.py [--tasks 2000] [--restarts 3] [--clients 300] [--seconds 60] [--write README.md]

The engine is a fake one that computes for some milliseconds a step, so that the service itself is what is measured.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import psutil
from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.main import create_app  # noqa: E402
from backend.models.config import Settings  # noqa: E402
from bench.pollers import measure_pollers  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402
from tests.backend.conftest import FINAL, make_settings  # noqa: E402
from tests.backend.fakes import PLAIN_CPU, FakeEngine  # noqa: E402

MARK = "bench:reliability"
HOME = "http://localhost"
LOST = "lost"
STEP_S = 0.005
WAITING = 40
"""Tasks that wait at once: below the limit of one client."""
LIMIT_S = 240.0
"""Longest soak; what has not ended by then is told."""


@dataclass(frozen=True)
class Life:
    """What is known at the end of a life of the service."""

    posted: int
    ends: Counter[str]
    unfinished: tuple[str, ...]
    memory_bytes: int


def soak(folder: Path, tasks: int, restarts: int, limit_s: float = LIMIT_S) -> list[Row]:
    """Posts, cancels, refreshes and restarts; every acknowledged task must be accounted for."""
    began, lives = time.monotonic(), list[Life]()
    make_settings(folder)
    for number in range(1, restarts + 2):
        count = number * tasks // (restarts + 1) - sum(life.posted for life in lives)
        left_s = limit_s - (time.monotonic() - began)
        unfinished = lives[-1].unfinished if lives else ()
        with ProcessPoolExecutor(1, get_context("spawn")) as process:  # a restart is one of the process
            lives.append(process.submit(live, folder, unfinished, count, left_s, number > restarts).result())
    ends = sum((life.ends for life in lives), Counter())
    counts = ", ".join(f"{count:,} {status}" for status, count in ends.most_common())
    posted, memory = sum(life.posted for life in lives), [life.memory_bytes for life in lives]
    return [
        Row(f"{posted:,} tiny tasks, cancels of a fifth, {restarts} restarts: lost / without an end",
            f"{ends[LOST]} / {len(lives[-1].unfinished)}", "0 / 0"),
        Row(f"how they ended, within {time.monotonic() - began:.0f} s", counts, ""),
        Row(f"memory, {memory[0] / 2**20:.0f} MiB at the end of the first life: the last beside it",
            f"{100 * (memory[-1] / memory[0] - 1):+.1f} %", "± 5 %"),
    ]  # fmt: skip


def live(folder: Path, unfinished: tuple[str, ...], count: int, left_s: float, is_last: bool) -> Life:
    """Starts the service, posts so many tasks, in the last life waits for their ends, and stops the service."""
    settings = Settings(base_dir=folder / "root", data_dir=folder / "data", min_free_disk_mb=0)
    engine = FakeEngine()
    engine.watch = lambda _step: time.sleep(STEP_S)
    with TestClient(create_app(settings, lambda: engine, lambda: PLAIN_CPU), base_url=HOME) as client:
        visitor = Visitor(client, unfinished, deadline=time.monotonic() + left_s)
        for number in range(count):
            visitor.post(number)
            visitor.settle(WAITING)
        if is_last:
            visitor.settle(0)
        gc.collect()
        memory_bytes = psutil.Process().memory_info().rss
    return Life(visitor.posted, visitor.ends, tuple(visitor.unfinished), memory_bytes)


class Visitor:
    """Posts, cancels and refreshes, and looks after every task until its end or a deadline."""

    def __init__(self, client: TestClient, unfinished: Iterable[str], deadline: float) -> None:
        self._client, self._deadline, self._dice = client, deadline, random.Random(1)
        self.unfinished, self.posted, self.ends = deque(unfinished), 0, Counter[str]()

    def post(self, number: int) -> None:
        """Posts a task, and now and then cancels one or refreshes the page."""
        if time.monotonic() > self._deadline:
            return
        body = {"prompt": f"task {number}", "height": 256, "width": 256, "num_inference_steps": 2}
        self.unfinished.append(self._client.post("/api/generate", json=body).json()["task_id"])
        self.posted += 1
        if self._dice.random() < 0.2:
            self._client.delete(f"/api/generate/{self._dice.choice(list(self.unfinished)[-5:])}")
        if self._dice.random() < 0.1:
            self._client.get("/api/generate", params={"finished": True})
            self._client.get("/api/history")

    def settle(self, at_most: int) -> None:
        """Waits until so many tasks have no end yet."""
        while len(self.unfinished) > at_most and time.monotonic() < self._deadline:
            answer = self._client.get(f"/api/generate/{self.unfinished[0]}")
            status = LOST if answer.status_code == 404 else answer.json()["status"]
            if status in (*FINAL, LOST):
                self.ends[status] += 1
                self.unfinished.popleft()
            else:
                time.sleep(STEP_S)


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--tasks", type=int, default=2000, help="of the soak; 0 leaves it out")
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--clients", type=int, default=300, help="that poll; 0 leaves them out")
    parser.add_argument("--seconds", type=float, default=60.0, help="for the clients that poll")
    parser.add_argument("--rounds", type=int, default=200, help="of the kill loop; 0 leaves it out")
    parser.add_argument("--cases", type=int, default=2000, help="of the fuzzed API; 0 leaves it out")
    options = parser.parse_args()
    rows: list[Row] = []
    for part in parts(options):
        for row in part():
            print(f"{row.what}: {row.value} ({row.bar or 'no bar'})", flush=True)
            rows.append(row)
    publish(rows, MARK, options.write)


def parts(options: argparse.Namespace) -> Iterator[Callable[[], list[Row]]]:
    """Yields what is to be measured; each part ends by itself."""
    if options.rounds:
        yield lambda: [kill_row(options.rounds)]
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        if options.tasks:
            yield lambda: soak(Path(one), options.tasks, options.restarts)
        if options.clients:
            yield lambda: measure_pollers(Path(two), options.clients, options.seconds)
    if options.cases:
        yield lambda: [fuzz_row(options.cases)]


def kill_row(rounds: int) -> Row:
    """Ends the process suddenly, again and again."""
    from tests.faults.kill_loop import kill_loop

    return Row(f"`kill -9` {rounds} times, {kill_loop(rounds)} acknowledged changes: lost", "0", "0")


def fuzz_row(cases: int) -> Row:
    import logging
    import warnings

    from tests.faults.fuzz import fuzz

    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sent, number = 0, 1
    while sent < cases:
        with tempfile.TemporaryDirectory() as folder:
            sent += fuzz(Path(folder), 25, random_seed=number).total()
        number += 1
    return Row(f"{sent:,} generated requests: answers with 5xx or not as described", "0", "0")


if __name__ == "__main__":
    main()
