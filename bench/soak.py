"""Lives a long life in a short time: many tiny tasks with cancels and restarts; then many clients that poll.

python bench/soak.py [--tasks 2000] [--restarts 3] [--clients 300] [--seconds 60] [--write README.md]

The engine is a fake one that computes for some milliseconds a step, so that the service itself is what is measured.
"""

from __future__ import annotations

import asyncio
import gc
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import httpx
import psutil
import uvicorn
from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.main import create_app  # noqa: E402
from backend.models.config import Settings  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402
from tests.backend.conftest import FINAL, make_settings  # noqa: E402
from tests.backend.fakes import PLAIN_CPU, FakeEngine  # noqa: E402

MARK = "bench:reliability"
HOME = "http://localhost"
TURNS = 3
STEP_S = 0.01
"""Slower than the posts, so that tasks wait and can be cancelled."""
LIMIT_S = 240.0
"""Longest life of the soak; what has not ended by then is told."""


@dataclass(frozen=True)
class Life:
    """What is known at the end of a life of the service."""

    known: tuple[str, ...]
    statuses: dict[str, str]
    memory_bytes: int


def soak(folder: Path, tasks: int, restarts: int, limit_s: float = LIMIT_S) -> list[Row]:
    """Posts, cancels, refreshes and restarts; every acknowledged task must be accounted for."""
    began, known, ends, memory = time.monotonic(), (), {}, []
    make_settings(folder)
    for number in range(1, restarts + 2):
        count = number * tasks // (restarts + 1) - len(known)
        left_s = limit_s - (time.monotonic() - began)
        with ProcessPoolExecutor(1, get_context("spawn")) as process:  # a restart is one of the process
            life = process.submit(live, folder, known, count, left_s, number > restarts).result()
        known, ends = life.known, ends | {key: end for key, end in life.statuses.items() if end in FINAL}
        memory.append(life.memory_bytes)
    lost = sum(task_id not in ends and task_id not in life.statuses for task_id in known)
    counts = ", ".join(f"{count:,} {status}" for status, count in Counter(ends.values()).most_common())
    growth = 100 * (memory[-1] / memory[0] - 1)
    return [
        Row(f"{len(known):,} tiny tasks, cancels of a fifth, {restarts} restarts: lost / without an end",
            f"{lost} / {len(known) - len(ends) - lost}", "0 / 0"),
        Row(f"how they ended, within {time.monotonic() - began:.0f} s", counts, ""),
        Row(f"memory, {memory[0] / 2**20:.0f} MiB at the end of the first life: the last beside it",
            f"{growth:+.1f} %", "± 5 %"),
    ]  # fmt: skip


def live(folder: Path, known: tuple[str, ...], count: int, left_s: float, is_last: bool) -> Life:
    """Starts the service, posts so many tasks, in the last life waits for the end of the queue, and stops the service.

    When there is no time left, it posts and waits no more.
    """
    deadline = time.monotonic() + left_s
    settings = Settings(
        base_dir=folder / "root", data_dir=folder / "data", min_free_disk_mb=0,
        max_queued_tasks=10**6, max_queued_tasks_per_client=10**6, kept_finished_tasks=2 * count,
    )  # fmt: skip
    engine, dice, ids = FakeEngine(), random.Random(len(known)), list(known)
    engine.watch = lambda _step: time.sleep(STEP_S)
    with TestClient(create_app(settings, engine, lambda: PLAIN_CPU), base_url=HOME) as client:
        for _ in range(count):
            if time.monotonic() < deadline:
                post_and_meddle(client, ids, dice)
        wait_until_idle(client, deadline if is_last else 0.0)
        tasks = client.get("/api/generate", params={"finished": True}).json()["tasks"]
        statuses = {task["task_id"]: task["status"] for task in tasks}
        del tasks
        gc.collect()
        memory_bytes = psutil.Process().memory_info().rss
    return Life(tuple(ids), statuses, memory_bytes)


def post_and_meddle(client: TestClient, known: list[str], dice: random.Random) -> None:
    """Posts a task, and now and then cancels one or refreshes the page."""
    body = {"prompt": f"task {len(known)}", "height": 256, "width": 256, "num_inference_steps": 2}
    known.append(client.post("/api/generate", json=body).json()["task_id"])
    if dice.random() < 0.2:
        client.delete(f"/api/generate/{dice.choice(known[-5:])}")
    if dice.random() < 0.1:
        client.get("/api/generate", params={"finished": True})
        client.get("/api/history")


def wait_until_idle(client: TestClient, deadline: float) -> None:
    """Waits for the end of the queue, or the deadline."""
    while time.monotonic() < deadline and client.get("/api/generate").json()["tasks"]:
        time.sleep(0.2)


class BusyEngine(FakeEngine):
    """Computes as much at every step, whatever else goes on: on one core, as an accelerator's driver thread does."""

    def __init__(self, step_s: float) -> None:
        import torch

        super().__init__()
        torch.set_num_threads(1)
        self._matrix = torch.ones(256, 256)
        self._products = 1
        while (took_s := self._time()) < step_s / 2:
            self._products *= 2
        self._products = max(1, round(self._products * step_s / took_s))
        self.watch = self._compute

    def _time(self) -> float:
        began = time.perf_counter()
        self._compute(0)
        return time.perf_counter() - began

    def _compute(self, _step: int) -> None:
        for _ in range(self._products):
            self._matrix @ self._matrix


def measure_pollers(folder: Path, clients: int, seconds: float) -> list[Row]:
    """How much slower pictures become when many clients, in a process of their own, poll once a second."""
    engine = BusyEngine(0.02)
    app = create_app(make_settings(folder), engine, lambda: PLAIN_CPU)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    try:
        alone, polled = [], []
        for _ in range(TURNS):  # turn about, because machines are noisy
            alone.append(steps_a_second(url, 0, seconds / 2 / TURNS))
            polled.append(steps_a_second(url, clients, seconds / 2 / TURNS))
    finally:
        server.should_exit = True
        thread.join(15)
    answered, asked = (sum(counts) for counts in zip(*(counts for _, *counts in polled), strict=True))
    cost = 100 * (1 - statistics.median(rate for rate, *_ in polled) / statistics.median(rate for rate, *_ in alone))
    return [
        Row(f"{clients} clients polling once a second cost a running generation", f"{cost:.1f} %", "≤ 3 %"),
        Row("of their polls, answered in time", f"{answered:,} of {asked:,}", ""),
    ]


def steps_a_second(url: str, clients: int, seconds: float) -> tuple[float, int, int]:
    """Draws for a while with so many clients polling; returns steps a second, and polls: answered, and meant."""
    body = {"prompt": "a", "height": 256, "width": 256, "num_inference_steps": 50, "num_images": 16}
    with httpx.Client(base_url=url, timeout=60) as client, ProcessPoolExecutor(1, get_context("spawn")) as others:
        others.submit(time.time).result()  # started, and its imports done
        task_url = f"/api/generate/{client.post('/api/generate', json=body).json()['task_id']}"
        while client.get(task_url).json()["current_step"] < 1:
            time.sleep(0.05)
        polls = others.submit(poll_all, url + task_url, clients, seconds)
        began, first = time.perf_counter(), client.get(task_url).json()["current_step"]
        time.sleep(seconds)
        last, elapsed = client.get(task_url).json()["current_step"], time.perf_counter() - began
        answered = polls.result()
        client.delete(task_url)
        while client.get("/api/generate").json()["tasks"]:
            time.sleep(0.05)
    return (last - first) / elapsed, answered, clients * max(1, int(seconds))


def poll_all(url: str, clients: int, seconds: float) -> int:
    """Polls an address as so many clients do, each once a second; returns how many answers there were."""
    return asyncio.run(_poll_all(url, clients, seconds))


async def _poll_all(url: str, clients: int, seconds: float) -> int:
    stop, answered = time.perf_counter() + seconds, 0

    async def poll(client: httpx.AsyncClient, number: int) -> None:
        nonlocal answered
        next_at = stop - seconds + number / clients
        while next_at < stop:
            await asyncio.sleep(max(0.0, next_at - time.perf_counter()))
            (await client.get(url)).raise_for_status()
            answered += time.perf_counter() < stop
            next_at += 1

    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=None), timeout=60) as client:
        await asyncio.gather(*(poll(client, number) for number in range(clients)))
    return answered


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0, help="for the clients that poll")
    parser.add_argument("--rounds", type=int, default=200, help="of the kill loop; 0 leaves it out")
    parser.add_argument("--cases", type=int, default=2000, help="of the fuzzed API; 0 leaves it out")
    options = parser.parse_args()
    rows: list[Row] = []
    if options.rounds:
        from tests.faults.kill_loop import kill_loop

        checked = kill_loop(options.rounds)
        rows.append(Row(f"`kill -9` {options.rounds} times, {checked} acknowledged changes: lost", "0", "0"))
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        rows += soak(Path(one), options.tasks, options.restarts)
        rows += measure_pollers(Path(two), options.clients, options.seconds)
    if options.cases:
        rows.append(fuzz_row(options.cases))
    publish(rows, MARK, options.write)


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
