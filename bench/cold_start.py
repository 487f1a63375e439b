"""Measures a start from nothing: from ./start.sh to the first finished picture, and how /health answers meanwhile.

python bench/cold_start.py [--runs 5] [--write README.md]

The set-up must have been made before. The picture is asked for as soon as the server answers at all.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.service import Client  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402

MARK = "bench:cold-start"
START_LIMIT_S = 120.0
POLL_S = 0.01


@dataclass(frozen=True)
class Start:
    """Seconds from the command on, and the longest that /health took to answer until the picture was there."""

    answers_s: float
    picture_s: float
    stall_ms: float


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(port: int, deadline: float) -> None:
    while time.monotonic() < deadline:
        try:
            Client(port).call("GET", "/health")
        except (OSError, RuntimeError):
            time.sleep(POLL_S)
        else:
            return
    raise TimeoutError("the server did not start")


def watch_health(port: int, done: threading.Event, times_ms: list[float]) -> None:
    client = Client(port)
    while not done.is_set():
        times_ms.append(client.timed_ms("/health"))
        time.sleep(POLL_S)


def start_once(data_dir: Path) -> Start:
    port, web_port = free_port(), free_port()
    command = ["./start.sh", "--port", str(port), "--web-port", str(web_port), "--data-dir", str(data_dir)]
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        wait_for(port, time.monotonic() + START_LIMIT_S)
        answers_s = time.perf_counter() - started
        done, times_ms = threading.Event(), []
        watcher = threading.Thread(target=watch_health, args=(port, done, times_ms))
        watcher.start()
        try:
            client = Client(port)
            client.wait(client.submit(width=256, height=256, model="zimage-nano"))
        finally:
            done.set()
            watcher.join()
        return Start(answers_s, time.perf_counter() - started, max(times_ms))
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    starts = []
    for _ in range(options.runs + 1):
        with tempfile.TemporaryDirectory() as folder:
            starts.append(start_once(Path(folder)))
    warm = starts[1:]  # the first one reads the files from the disk
    rows = [
        Row("from `./start.sh` to an answer of /health", f"{statistics.median(s.answers_s for s in warm):.1f} s", ""),
        Row(
            "from `./start.sh` to the first finished picture of zimage-nano, 256×256, asked for at once",
            f"{statistics.median(s.picture_s for s in warm):.1f} s",
            "≤ 3.5 s",
        ),
        Row(
            "the longest that /health took to answer meanwhile",
            f"{statistics.median(s.stall_ms for s in warm):.0f} ms",
            "≤ 100 ms",
        ),
    ]
    publish(rows, MARK, options.write)


if __name__ == "__main__":
    main()
