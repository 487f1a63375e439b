"""Simulates 100 machines of 8 cards: how fast the one queue hands out tasks, and what their events cost.

python bench/dispatch.py [--slots 800] [--seconds 8,4,2,1] [--run-s 10] [--write docs/scaling.md]

The queue, its journal on a disk and the events are real; what draws is a thread that waits. Clients keep 100 tasks
waiting, the default limit. Where the achieved rate falls behind the cards' own, the queue is the limit.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.models.schemas import Door, ImageRecord, Status  # noqa: E402
from backend.services.generation.events import Drawn, Ended, Loaded, Preview, Step  # noqa: E402
from backend.services.generation.preview import PreviewPixels  # noqa: E402
from backend.services.task_manager import TaskManager  # noqa: E402
from backend.services.tasks.queue import Limits  # noqa: E402
from backend.services.tasks.store import Journal  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402
from tests.backend.fakes import FakeExecutor, Ticking, a_job, a_picture, a_request  # noqa: E402

STEPS = 8
WAITING = 100
PREVIEW = PreviewPixels(64, 64, bytes(3 * 64 * 64))
JOB = a_job(use_gpu=True)
PICTURE = a_picture()
RECORD = ImageRecord(
    id="0" * 32, filename="a.png", prompt="a red apple", width=64, height=48, num_inference_steps=9, use_gpu=True,
    size_bytes=1, created_at=Ticking()(), generation_time_ms=1.0, model="m", seed=0, device="cuda",
)  # fmt: skip


class Cards(FakeExecutor):
    """Slots that take a set time an image, in equal steps with previews."""

    def __init__(self, number: int, seconds: float) -> None:
        self.slots = tuple(f"node-{number // 8}-gpu{number % 8}" for number in range(number))
        self.step_s = seconds / STEPS
        self.events = 0
        self.ended = threading.Event()

    def prepare(self) -> tuple[str, ...]:
        return self.slots

    def run(self, slot, job, emit, cancelled) -> None:
        emit(Loaded("cuda"))
        due = time.monotonic()
        emit(Step(0, STEPS))
        for done in range(1, STEPS + 1):
            due += self.step_s
            self.ended.wait(max(0.0, due - time.monotonic()))
            if self.ended.is_set():
                break
            emit(Preview(PREVIEW))
            emit(Step(done, STEPS))
        else:
            emit(PICTURE)
        self.events += 2 * STEPS + 4
        emit(Ended())


class Timed(Journal):
    """Tells how long its writes took."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.seconds: list[float] = []

    def write(self, tasks) -> None:
        began = time.perf_counter()
        super().write(tasks)
        self.seconds.append(time.perf_counter() - began)


class NoDisk:
    """Images are kept elsewhere: here only the queue is measured."""

    def prepare(self) -> None:
        pass

    def keeps(self, image_id: str) -> bool:
        return True

    def add(self, drawn: Drawn, client: str, door: Door | None) -> ImageRecord:
        return RECORD


class Plain:
    """A request means the one job."""

    def complete(self, request):
        return request

    def resolve(self, request):
        return JOB


@dataclass
class Measured:
    """What a run has given."""

    rate: float
    """Tasks a second."""
    ideal: float
    events: float
    cpu: float
    """Processor seconds a second."""
    write_s: float
    """Of the journal, median."""


def measure(n_slots: int, seconds: float, run_s: float, folder: Path) -> Measured:
    cards = Cards(n_slots, seconds)
    limits = Limits(max_queued=10**6, max_queued_per_client=10**6)
    counted = [0]

    def count(task) -> None:
        counted[0] += task.status is Status.COMPLETED

    journal = Timed(folder / f"{seconds}.json")
    manager = TaskManager(
        cards, NoDisk(), journal, Plain(), admit=lambda *_: None, limits=limits,
        on_finished=count,
    )  # fmt: skip
    manager.start()
    clients = [f"client {number}" for number in range(10)]
    submitted = 0

    def fill(until: float) -> None:
        nonlocal submitted
        while time.monotonic() < until:
            if len(manager.waiting_ids) < WAITING:
                manager.submit(a_request(), clients[submitted % len(clients)])
                submitted += 1
            else:
                time.sleep(0.001)

    fill(time.monotonic() + seconds + n_slots / 150)  # until all cards draw
    before, events, cpu, began = counted[0], cards.events, time.process_time(), time.monotonic()
    fill(began + run_s)
    took_s = time.monotonic() - began
    measured = Measured(
        (counted[0] - before) / took_s, n_slots / seconds, (cards.events - events) / took_s,
        (time.process_time() - cpu) / took_s, statistics.median(journal.seconds),
    )  # fmt: skip
    cards.ended.set()
    manager.close(30)
    return measured


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--slots", type=int, default=800)
    parser.add_argument("--seconds", default="8,4,2,1", help="of an image on a card, separated by commas")
    parser.add_argument("--run-s", type=float, default=10.0)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in map(float, options.seconds.split(",")):
            found = measure(options.slots, seconds, options.run_s, Path(folder))
            rows.append(
                Row(
                    f"{options.slots} cards, {seconds:g} s an image: tasks/s, events/s, cores, a write",
                    f"{found.rate:.0f}, {found.events:,.0f}, {found.cpu:.2f}, {found.write_s * 1000:.1f} ms",
                    f"{found.ideal:.0f} tasks/s are all that the cards can",
                )
            )
    publish(rows, "bench:dispatch", options.write)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # threads that wait for nothing any more
