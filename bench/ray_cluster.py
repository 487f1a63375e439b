"""Ray behind the queue, on this machine alone: how it scales, how late events are, what deaths lose.

python bench/ray_cluster.py [--parts scale,faults] [--rounds 100] [--write docs/scaling.md]

Eight workers on one simulated machine, which sleep for their steps: what is measured is everything around the model.
The deaths are kills -9 of workers and, every tenth, of a whole simulated machine.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "Z-Image" / "src")]

from backend.services.generation.events import Step  # noqa: E402
from backend.services.generation.inputs import read_none  # noqa: E402
from backend.services.task_manager import TaskManager  # noqa: E402
from backend.services.tasks.executors.ray import standing  # noqa: E402
from backend.services.tasks.executors.ray.cluster import Cluster  # noqa: E402
from backend.services.tasks.executors.ray.executor import RayExecutor  # noqa: E402
from backend.services.tasks.queue import Limits  # noqa: E402
from backend.services.tasks.store import Journal  # noqa: E402
from bench.table import Row, build_parser, publish  # noqa: E402
from tests.backend.fakes import a_job, a_request  # noqa: E402
from tests.backend.services.tasks.executors.ray.simulated import Simulated, simulate  # noqa: E402
from tests.backend.services.tasks.executors.ray.workshops import make_sleeping  # noqa: E402
from tests.backend.services.tasks.managing import FakeStore  # noqa: E402

PATIENCE_S = 120.0
MOST_IMAGES = 16
LIMITS = Limits(max_queued=10**6, max_queued_per_client=10**6, kept_finished=10**6)


class AnyFit:
    def fits(self, facts, job) -> bool:
        return True

    def lacks(self, facts) -> str:
        return ""

    def learn(self, facts, drawn, forwards_s) -> None:
        pass


class Plain:
    def complete(self, request):
        return request

    def resolve(self, request):
        return a_job(request.prompt, seed=request.seed or 0, num_images=request.num_images)


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.005)


def ready(executor: RayExecutor) -> list[str]:
    return [worker.slot for worker in executor.workers() if worker.state == "ready"]


@contextmanager
def running(simulated: Simulated, step_s: float, folder: Path) -> Iterator[tuple[RayExecutor, TaskManager, FakeStore]]:
    make = partial(make_sleeping, step_s, str(folder))
    executor = RayExecutor(Cluster(simulated.address), make, read_none, AnyFit(), cpu_nodes=False)
    store = FakeStore()
    manager = TaskManager(
        executor, store, Journal(folder / "tasks.json"), Plain(), admit=lambda *_: None, limits=LIMITS
    )
    manager.start()
    try:
        yield executor, manager, store
    finally:
        manager.close()
        executor.close()


def drawn_in_s(manager: TaskManager, number: int, num_images: int = 1) -> float:
    began = time.monotonic()
    ids = [manager.submit(a_request(f"{index}", num_images=num_images)) for index in range(number)]
    until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the tasks")
    return time.monotonic() - began


def measure_scale(jobs: int) -> list[Row]:
    with simulate() as simulated, tempfile.TemporaryDirectory() as name:
        simulated.add(num_cpus=2, num_gpus=8)
        with running(simulated, 0.1, Path(name)) as (executor, manager, _):
            until(lambda: len(ready(executor)) == 8, "eight workers")
            slots = ready(executor)
            drawn_in_s(manager, 16)
            eight_s = drawn_in_s(manager, jobs)
            spread_s = drawn_in_s(manager, 1, MOST_IMAGES)
            lags = measure_lags(executor, slots[0], Path(name))
            for slot in slots[1:]:
                manager.drain_worker(slot, is_drained=True)
            one_s = drawn_in_s(manager, max(1, jobs // 8))
            alone_s = drawn_in_s(manager, 1, MOST_IMAGES // 8)
    share = (jobs / eight_s) / (max(1, jobs // 8) / one_s) / 8
    rows = [
        Row(f"8 workers beside one, {jobs} tasks of 0.8 s: share of 8 times the rate", f"{share:.3f}", "≥ 0.95"),
        Row(
            "the same: tasks a second of 8 workers, of one", f"{jobs / eight_s:.2f}, {jobs / 8 / one_s:.2f}", "10, 1.25"
        ),
    ]
    spread = alone_s / spread_s
    rows.append(
        Row(f"one task of {MOST_IMAGES} images: share of 8 times the rate of one worker", f"{spread:.3f}", "≥ 0.95")
    )
    middle, late = statistics.median(lags) * 1000, statistics.quantiles(lags, n=100)[98] * 1000
    return [*rows, Row("a step is heard of after: median, 99 %", f"{middle:.1f} ms, {late:.1f} ms", "99 %: ≤ 50 ms")]


def measure_lags(executor: RayExecutor, slot: str, folder: Path) -> list[float]:
    """Seconds from the end of a step on a worker to its event here, while nobody else draws."""
    heard: dict[tuple[str, int], float] = {}
    for number in range(20):
        prompt = f"lag{number}"

        def emit(event, prompt=prompt) -> None:
            if isinstance(event, Step):
                heard[prompt, event.done] = time.time()

        executor.run(slot, a_job(prompt), emit, lambda: False)
    lines = [line.split() for file in folder.glob("*.log") for line in file.read_text().splitlines()]
    told = {(words[0], int(words[2])): float(words[3]) for words in lines if words[0].startswith("lag")}
    return [heard[key] - when for key, when in told.items()]


def measure_faults(rounds: int) -> list[Row]:
    lot = random.Random(0)
    with simulate() as simulated, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        node = simulated.add(num_cpus=1, num_gpus=2)
        simulated.add(num_cpus=1, num_gpus=2)
        with running(simulated, 0.02, folder) as (executor, manager, store):
            until(lambda: len(ready(executor)) == 4, "four workers")
            ids: list[str] = []
            for number in range(rounds):
                ids += [manager.submit(a_request(f"{len(ids) + index}")) for index in range(8)]
                until(lambda: sum(task.step >= 1 for task in manager.active()), "a step")
                if number % 10 == 9:
                    simulated.kill(node)
                    node = simulated.add(num_cpus=1, num_gpus=2)
                elif alive := [int(file.stem) for file in folder.glob("*.log") if Path(f"/proc/{file.stem}").exists()]:
                    os.kill(lot.choice(alive), signal.SIGKILL)
                until(lambda: len(ready(executor)) >= 2, "workers")
            until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the tasks")
            tasks = [manager.get(task_id) for task_id in ids]
    statuses = Counter(str(task.status) for task in tasks)
    images = Counter(store.prompts)
    lost = sum(len(task.images) != images[task.request.prompt] for task in tasks)
    lost += sum(task.status == "completed" and images[task.request.prompt] == 0 for task in tasks)
    doubled = sum(times > 1 for times in images.values())
    again = sum(len(task.lost) for task in tasks)
    words = ", ".join(f"{number} {status}" for status, number in sorted(statuses.items()))
    return [
        Row(f"{rounds} deaths under {len(ids)} tasks: images lost, doubled", f"{lost}, {doubled}", "0, 0"),
        Row("the same: how the tasks ended", words, "a task that loses two workers is interrupted"),
        Row("the same: images that were drawn again", f"{again}", "–"),
    ]


def main() -> None:
    parser = build_parser(__doc__)
    parser.add_argument("--parts", default="scale,faults")
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--jobs", type=int, default=200)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    standing.FIRST_PAUSE_S = 0.2
    parts = options.parts.split(",")
    rows = (measure_scale(options.jobs) if "scale" in parts else []) + (
        measure_faults(options.rounds) if "faults" in parts else []
    )
    publish(rows, "bench:ray", options.write)


if __name__ == "__main__":
    main()
