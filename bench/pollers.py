"""What clients that poll cost the server, and a generation that runs meanwhile. `bench/soak.py` prints it.

The server is the real one, on a port, in a process of its own; so are the clients, on the same machine.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.main import create_app  # noqa: E402
from backend.models.config import Settings  # noqa: E402
from backend.server import serve  # noqa: E402
from bench.table import Row  # noqa: E402
from tests.backend.conftest import make_settings  # noqa: E402
from tests.backend.fakes import PLAIN_CPU, FakeEngine  # noqa: E402

TURNS = 3
STEP_S = 0.02
CONNECTIONS = 50
POLLS = 5000
"""Of which the first fifth warms up."""
LONG = {"prompt": "a", "height": 256, "width": 256, "num_inference_steps": 50, "num_images": 16}
START_LIMIT_S = 120.0
IN_TIME_S = 1.0
"""Before its client asks again."""
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class SleepyEngine(FakeEngine):
    """Takes its time, and no processor: what the process uses is the service's."""

    def __init__(self) -> None:
        super().__init__()
        self.watch = lambda _step: time.sleep(1)


class BusyEngine(FakeEngine):
    """Computes as much at every step, whatever else goes on: on one core, as an accelerator's driver thread does."""

    def __init__(self) -> None:
        import torch

        super().__init__()
        torch.set_num_threads(1)
        self._matrix = torch.ones(256, 256)
        self._products = 1
        while (took_s := self._time()) < STEP_S / 2:
            self._products *= 2
        self._products = max(1, round(self._products * STEP_S / took_s))
        self.watch = self._compute

    def _time(self) -> float:
        began = time.perf_counter()
        self._compute(0)
        return time.perf_counter() - began

    def _compute(self, _step: int) -> None:
        for _ in range(self._products):
            self._matrix @ self._matrix


@dataclass(frozen=True)
class Server:
    """Where it answers, and what it has used."""

    port: int
    pid: int

    @property
    def url(self) -> str:
        """Address of the API."""
        return f"http://127.0.0.1:{self.port}"

    def cpu_s(self) -> float:
        """Returns the seconds of processor that it has used."""
        times = psutil.Process(self.pid).cpu_times()
        return times.user + times.system


@contextmanager
def running(folder: Path, engine: str, module: str = "bench.pollers") -> Iterator[Server]:
    """Runs the real server with a fake engine of a module."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(folder), engine],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if "API" not in line:
            raise RuntimeError("the server did not start")
        yield Server(int(line.split("API ")[1].split()[0].rsplit(":", 1)[1]), process.pid)
    finally:
        process.terminate()
        process.wait(30)


def serve_fake(folder: Path, engine: str, kinds: dict[str, type[FakeEngine]]) -> None:
    """Serves with one of some engines, until it is told to stop."""
    settings = Settings(
        base_dir=folder / "root", data_dir=folder / engine, min_free_disk_mb=0, port=0, web_port=0, log_level="WARNING"
    )
    serve(settings, create_app(settings, kinds[engine], lambda: PLAIN_CPU))


def measure_pollers(folder: Path, clients: int, seconds: float) -> list[Row]:
    """The processor that a poll takes of the server; and how much slower pictures become beside many clients."""
    make_settings(folder)
    cost_ms = 1000 * cpu_of_a_poll_s(folder)
    cores = psutil.cpu_count() or 1
    share = clients * cost_ms / 1000 / cores
    alone, beside, polled = [], [], []
    with running(folder, "busy") as server, running(folder, "sleepy") as other:
        for _ in range(TURNS):  # turn about, because machines are noisy
            alone.append(steps_a_second(server, server, 0, seconds / 2 / TURNS))
            beside.append(steps_a_second(server, other, clients, seconds / 2 / TURNS))
            polled.append(steps_a_second(server, server, clients, seconds / 2 / TURNS))
    answered, asked = (sum(counts) for counts in zip(*(counts for _, *counts in polled), strict=True))
    rates = [statistics.median(rate for rate, *_ in turns) for turns in (alone, beside, polled)]
    return [
        Row(f"{clients} polls a second cost the server, {cost_ms:.2f} ms of processor each, of {cores} cores",
            f"{100 * share:.1f} %", "≤ 3 %"),
        Row(f"of the polls of {clients} clients, once a second each beside a generation, answered in time",
            f"{answered:,} of {asked:,}", "all"),
        Row("that generation is slower by, against one beside which as many clients poll another process",
            f"{100 * (1 - rates[2] / rates[1]):.1f} %", "≤ 3 %"),
        Row("the same, against one with the machine to itself: the clients' own work included",
            f"{100 * (1 - rates[2] / rates[0]):.1f} %", ""),
    ]  # fmt: skip


def cpu_of_a_poll_s(folder: Path, polls: int = POLLS) -> float:
    """Returns the seconds of processor that the server uses for a poll of a running task, on connections that stay."""
    with running(folder, "sleepy") as server:
        connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=60) for _ in range(CONNECTIONS)]
        body, headers = json.dumps(LONG), {"Content-Type": "application/json"}
        path = f"/api/generate/{json.loads(ask(connections[0], 'POST', '/api/generate', body, headers))['task_id']}"
        used_s = 0.0
        for number in range(polls):
            if number == polls // 5:
                used_s = server.cpu_s()
            ask(connections[number % CONNECTIONS], "GET", path)
        used_s = server.cpu_s() - used_s
        for connection in connections:
            connection.close()
    return used_s / (polls - polls // 5)


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: str | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Sends a request and reads the answer."""
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    if response.status >= 400:
        raise RuntimeError(f"{method} {path} answered {response.status}")
    return content


def steps_a_second(server: Server, polled: Server, clients: int, seconds: float) -> tuple[float, int, int]:
    """Draws for a while with so many clients polling; returns steps a second, and polls: answered, and meant."""
    with (
        httpx.Client(base_url=server.url, timeout=60) as client,
        httpx.Client(base_url=polled.url, timeout=60) as other,
        ProcessPoolExecutor(1, get_context("spawn")) as others,
    ):
        others.submit(time.time).result()  # started, and its imports done
        task_url = f"/api/generate/{client.post('/api/generate', json=LONG).json()['task_id']}"
        polled_url = task_url
        if polled is not server:
            polled_url = f"/api/generate/{other.post('/api/generate', json=LONG).json()['task_id']}"
        wait_for(lambda: client.get(task_url).json()["current_step"] >= 1)
        polls = others.submit(poll_all, polled.url + polled_url, clients, seconds)
        began, first = time.perf_counter(), client.get(task_url).json()["current_step"]
        time.sleep(seconds)
        last, elapsed = client.get(task_url).json()["current_step"], time.perf_counter() - began
        answered = polls.result()
        for where, url in {(client, task_url), (other, polled_url)}:
            where.delete(url)
            wait_for(lambda where=where: not where.get("/api/generate").json()["tasks"])
    return (last - first) / elapsed, answered, clients * max(1, int(seconds))


def wait_for(condition: Callable[[], bool]) -> None:
    """Waits for what must come soon.

    Raises:
        TimeoutError: it did not.
    """
    deadline = time.monotonic() + START_LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("the server does not get on")
        time.sleep(0.05)


def poll_all(url: str, clients: int, seconds: float) -> int:
    """Polls an address as so many clients do, each once a second; returns how many answers came in time."""
    return asyncio.run(_poll_all(urlsplit(url), clients, max(1, int(seconds))))


async def _poll_all(url: SplitResult, clients: int, rounds: int) -> int:
    """Clients are as cheap as can be, so that what is measured is the server: in life they run elsewhere."""
    request = f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()
    connections = [await asyncio.open_connection(url.hostname, url.port) for _ in range(clients)]
    began = time.perf_counter()

    async def poll(number: int) -> int:
        reader, writer = connections[number]
        in_time = 0
        for turn in range(rounds):
            due = began + turn + number / clients
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(int(LENGTH.search(head)[1]))
            in_time += head.startswith(b"HTTP/1.1 200 ") and time.perf_counter() - due < IN_TIME_S
        writer.close()
        return in_time

    return sum(await asyncio.gather(*(poll(number) for number in range(clients))))


if __name__ == "__main__":
    serve_fake(Path(sys.argv[1]), sys.argv[2], {"busy": BusyEngine, "sleepy": SleepyEngine})
