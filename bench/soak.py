"""Lives a long life in a short time: many tiny tasks with cancels and restarts; then many clients that poll.

python bench/soak.py [--tasks 2000] [--restarts 3] [--clients 300] [--seconds 20] [--write README.md]

The engine is a fake one that computes for some milliseconds a step, so that the service itself is what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import psutil
import uvicorn
from starlette.testclient import TestClient

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.main import create_app  # noqa: E402
from bench.machine import describe_machine  # noqa: E402
from bench.table import Row, render, write  # noqa: E402
from tests.backend.conftest import FINAL, make_settings  # noqa: E402
from tests.backend.fakes import PLAIN_CPU, FakeEngine  # noqa: E402

MARK = "bench:reliability"
HOME = "http://localhost"


def soak(folder: Path, tasks: int, restarts: int) -> list[Row]:
    """Posts, cancels, refreshes and restarts; every acknowledged task must be accounted for."""
    settings = make_settings(folder).model_copy(
        update={"max_queued_tasks": 10**6, "max_queued_tasks_per_client": 10**6, "kept_finished_tasks": 10**6}
    )
    dice, known, memory = random.Random(1), [], []
    share = -(-tasks // (restarts + 1))
    for life in range(restarts + 1):
        app = create_app(settings, FakeEngine(), lambda: PLAIN_CPU)
        with TestClient(app, base_url=HOME) as client:
            for _ in range(min(share, tasks - len(known))):
                body = {"prompt": f"task {len(known)}", "height": 256, "width": 256, "num_inference_steps": 2}
                known.append(client.post("/api/generate", json=body).json()["task_id"])
                if dice.random() < 0.2:
                    client.delete(f"/api/generate/{dice.choice(known[-5:])}")
                if dice.random() < 0.1:
                    client.get("/api/generate", params={"finished": True})
                    client.get("/api/history")
            if life == restarts:
                wait_until_idle(client)
            gc.collect()
            memory.append(psutil.Process().memory_info().rss)
            answers = [client.get(f"/api/generate/{task_id}") for task_id in known]
            if any(answer.status_code != 200 for answer in answers):
                raise RuntimeError("an acknowledged task is lost")
    statuses = [answer.json()["status"] for answer in answers]
    if not set(statuses) <= set(FINAL):
        raise RuntimeError(f"tasks without an end: {set(statuses) - set(FINAL)}")
    counts = ", ".join(f"{statuses.count(status)} {status}" for status in FINAL if status in statuses)
    growth = 100 * (memory[-1] / memory[0] - 1)
    return [
        Row(f"{tasks:,} tiny tasks, a fifth cancelled, {restarts} restarts: lost", "0", "0"),
        Row("how they ended", counts, ""),
        Row("memory from the first life to the last", f"{growth:+.1f} %", "± 5 %"),
    ]


def wait_until_idle(client: TestClient) -> None:
    while client.get("/api/generate").json()["tasks"]:
        time.sleep(0.02)


class BusyEngine(FakeEngine):
    """Computes for a while a step, as a model does, and notes how long each took."""

    def __init__(self, step_s: float) -> None:
        super().__init__()
        self.step_s = step_s
        self.steps: list[float] = []
        self.watch = self._compute

    def _compute(self, step: int) -> None:
        import torch

        began = time.perf_counter()
        matrix = torch.ones(256, 256)
        while time.perf_counter() - began < self.step_s:
            matrix @ matrix
        if step:
            self.steps.append(time.perf_counter() - began)


def measure_pollers(folder: Path, clients: int, seconds: float) -> list[Row]:
    """How much slower pictures become when many clients poll once a second."""
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
        for _ in range(3):  # turn about, because machines are noisy
            alone.append(asyncio.run(pictures_a_second(url, 0, seconds / 6)))
            polled.append(asyncio.run(pictures_a_second(url, clients, seconds / 6)))
    finally:
        server.should_exit = True
        thread.join(15)
    cost = 100 * (1 - statistics.median(polled) / statistics.median(alone))
    return [Row(f"{clients} clients polling once a second cost a running generation", f"{cost:.1f} %", "≤ 3 %")]


async def pictures_a_second(url: str, clients: int, seconds: float) -> float:
    """Draws for a while with so many clients polling; returns steps a second."""
    async with httpx.AsyncClient(base_url=url, limits=httpx.Limits(max_connections=None), timeout=60) as client:
        body = {"prompt": "a", "height": 256, "width": 256, "num_inference_steps": 50}
        task_id = (await client.post("/api/generate", json={**body, "num_images": 16})).json()["task_id"]
        while (await client.get(f"/api/generate/{task_id}")).json()["current_step"] < 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        began, stop = time.perf_counter(), time.perf_counter() + seconds

        async def poll(number: int) -> None:
            await asyncio.sleep(number / max(1, clients))
            while time.perf_counter() < stop:
                await client.get(f"/api/generate/{task_id}")
                await asyncio.sleep(1)

        first = (await client.get(f"/api/generate/{task_id}")).json()["current_step"]
        await asyncio.gather(asyncio.sleep(seconds), *(poll(number) for number in range(clients)))
        last = (await client.get(f"/api/generate/{task_id}")).json()["current_step"]
        elapsed = time.perf_counter() - began
        await client.delete(f"/api/generate/{task_id}")
    return (last - first) / elapsed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=2000)
    parser.add_argument("--restarts", type=int, default=3)
    parser.add_argument("--clients", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0, help="for the clients that poll")
    parser.add_argument("--rounds", type=int, default=200, help="of the kill loop; 0 leaves it out")
    parser.add_argument("--cases", type=int, default=2000, help="of the fuzzed API; 0 leaves it out")
    parser.add_argument("--write", type=Path, action="append", default=[], help="file with the marks")
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
    table = render(rows, describe_machine())
    print(table)
    for file in options.write:
        write(table, file, MARK)


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
