"""A real Ray with three raylets on this machine. All of it is in this file, so that one process has the cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
from ray import exceptions as ray_exceptions

from backend.models.config import Settings
from backend.models.schemas import Status
from backend.services.errors import ExecutorUnusable
from backend.services.generation.events import Drawn, Step
from backend.services.generation.inputs import read_none
from backend.services.images.records import hash_pixels
from backend.services.tasks.executors.ray.cluster import Cluster, Poll, Stream, Unanswered
from backend.services.tasks.executors.ray.executor import RayExecutor
from tests.backend.fakes import a_job, a_request
from tests.backend.services.tasks.executors.contract import CHECKS
from tests.backend.services.tasks.executors.ray.simulated import Simulated, simulate
from tests.backend.services.tasks.executors.ray.test_executor import AnyFit
from tests.backend.services.tasks.executors.ray.workshops import make_sleeping
from tests.backend.services.tasks.managing import FakeStore, Make

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]

START_S = 60.0
STEP_S = 0.02


@pytest.fixture(scope="module")
def simulated() -> Iterator[Simulated]:
    with simulate() as simulated:
        simulated.nodes = [simulated.add(num_cpus=1, num_gpus=1) for _ in range(2)]
        yield simulated


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steps")


@pytest.fixture(scope="module")
def executor(simulated: Simulated, log: Path) -> Iterator[RayExecutor]:
    made = RayExecutor(
        Cluster(simulated.address), partial(make_sleeping, STEP_S, str(log)), read_none, AnyFit(), cpu_nodes=False
    )
    made.prepare()
    yield made
    made.close()


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + START_S
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come true within {START_S:g} s"
        time.sleep(0.01)


def ready(executor: RayExecutor) -> list[str]:
    return [worker.slot for worker in executor.workers() if worker.state == "ready"]


@pytest.fixture
def both(executor: RayExecutor) -> list[str]:
    until(lambda: len(ready(executor)) == 2, "both workers")
    return ready(executor)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_does_what_every_executor_does(executor, both, check):
    check(executor, both[-1])


def test_where_there_are_no_streams_it_asks(executor, both, monkeypatch):
    monkeypatch.setattr(Cluster, "is_client", property(lambda _self: True))
    asked: list[float] = []
    hear = Poll.hear
    monkeypatch.setattr(Poll, "hear", lambda self, timeout_s: (asked.append(timeout_s), hear(self, timeout_s))[1])
    for check in CHECKS[:5]:
        check(executor, both[0])
    assert asked


def test_a_cancel_is_heard_by_the_worker_within_one_step(executor, both, log):
    cancelled = threading.Event()
    executor.run(
        both[0], a_job("slow counted"), lambda event: event == Step(2, 8) and cancelled.set(), cancelled.is_set
    )
    lines = [line for file in log.glob("*.log") for line in file.read_text().splitlines() if "slow counted" in line]
    assert 2 <= max(int(line.split()[3]) for line in lines) <= 3


def test_a_cluster_may_be_without_its_head_for_a_while(monkeypatch):
    name = "RAY_gcs_rpc_server_reconnect_timeout_s"
    monkeypatch.setenv(name, "1")  # so that what load() sets is taken back
    monkeypatch.delenv(name)
    Cluster(None).load()
    assert float(os.environ.get(name, 0)) >= 300


def test_a_reference_of_a_connection_that_is_gone_starts_no_ray_and_is_not_answered(repository_root):
    """In a process of its own: Ray reads the variable when it is imported."""
    script = (
        "from backend.services.tasks.executors.ray.cluster import Cluster, Stream, Unanswered\n"
        "cluster = Cluster(None)\n"
        "cluster.load()\n"
        "import ray\n"
        "stream = Stream.__new__(Stream)\n"
        "stream._cluster, stream._ray, stream._events = cluster, ray, ray.ObjectRef.from_random()\n"
        "calls = (lambda: cluster.is_answered(stream._events), lambda: stream.hear(0.1), lambda: cluster.keep(1))\n"
        "for call in calls:\n"
        "    try:\n"
        "        call()\n"
        "    except Unanswered:\n"
        "        print(ray.is_initialized())"
    )
    environment = {**os.environ, "PYTHONPATH": str(repository_root)}
    environment.pop("RAY_ENABLE_AUTO_CONNECT", None)
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.split() == ["False"] * 3, done.stderr


def test_a_reference_of_another_connection_is_not_answered():
    def wait(_references: object, timeout: float) -> None:
        raise ValueError("You are trying to access Ray objects whose owner is unknown.")

    cluster = Cluster(None)
    cluster._ray = SimpleNamespace(exceptions=ray_exceptions, wait=wait)
    stream = Stream.__new__(Stream)
    stream._cluster, stream._ray, stream._events = cluster, cluster._ray, object()
    for call in (lambda: cluster.is_answered(object()), lambda: stream.hear(0.1)):
        with pytest.raises(Unanswered, match="owner is unknown"):
            call()


def test_nobody_there_is_said():
    cluster = Cluster("127.0.0.1:1")
    cluster._ray = type(
        "Ray", (), {"init": staticmethod(lambda **_: (_ for _ in ()).throw(ConnectionError("refused")))}
    )
    with pytest.raises(Unanswered, match="refused"):
        cluster.connect()


def test_another_version_of_the_cluster_is_said():
    def init(**_options: object) -> None:
        raise RuntimeError("Version mismatch: The cluster was started with Ray: 2.9.0, Python: 3.10")

    cluster = Cluster("127.0.0.1:1")
    cluster._ray = type("Ray", (), {"init": staticmethod(init)})
    with pytest.raises(ExecutorUnusable, match=r"2\.9\.0"):
        cluster.connect()


def test_the_images_of_a_task_are_drawn_by_both_workers_and_come_in_their_order(
    make: Make, executor, both, store: FakeStore, log
):
    manager = make(executor=executor)
    manager.start()
    until(lambda: len(manager._workers.turns._idle) == 2, "idle slots")
    task_id = manager.submit(a_request("spread", seed=7, num_images=6))
    until(lambda: len(manager.get(task_id).workers) == 2, "both workers at work")
    until(lambda: manager.get(task_id).status.is_final, "the end of the task")

    task = manager.get(task_id)
    assert (task.status, [image.seed for image in task.images]) == (Status.COMPLETED, list(range(7, 13)))
    assert sorted(picture.recipe.seed for picture in store.pictures) == list(range(7, 13))
    assert sum("spread" in file.read_text() for file in log.glob("*.log")) == 2


def test_workers_that_are_killed_lose_no_task_and_double_no_image(make: Make, executor, both, store: FakeStore, log):
    """A few rounds; `bench/ray_cluster.py` has a hundred."""
    manager = make(executor=executor)
    manager.start()
    until(lambda: len(manager._workers.slots) >= 2, "the slots")
    rounds = 3
    ids = [manager.submit(a_request(f"kill {number}")) for number in range(4 * rounds)]
    for number in range(rounds):
        until(lambda: any(task.step >= 1 for task in manager.active()), "a step")
        pids = pids_that_draw(log, f"kill {number}")
        os.kill(pids[-1], signal.SIGKILL)
        until(lambda: len(ready(executor)) == 2, "the worker's return")
    until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the end of the tasks")

    tasks = [manager.get(task_id) for task_id in ids]
    assert {task.status for task in tasks} == {Status.COMPLETED}
    assert sorted(store.prompts) == sorted(task.request.prompt for task in tasks)
    assert sum(len(task.lost) for task in tasks) <= rounds


def pids_that_draw(log: Path, prompt: str) -> list[int]:
    """Returns the processes of workers; last one that has drawn a step of what begins so, if any."""
    files = sorted(log.glob("*.log"), key=lambda file: file.stat().st_mtime)
    alive = [file for file in files if Path(f"/proc/{file.stem}").exists()]
    return [int(file.stem) for file in sorted(alive, key=lambda file: prompt in file.read_text())]


def test_a_machine_that_dies_gives_its_job_to_another_and_a_new_one_joins(
    make: Make, executor, both, simulated, store: FakeStore
):
    manager = make(executor=executor)
    manager.start()
    until(lambda: len(manager._workers.slots) >= 2, "the slots")
    ids = [manager.submit(a_request(f"machine {number}")) for number in range(9)]
    until(lambda: sum(task.step >= 1 for task in manager.active()) >= 2, "steps")
    simulated.kill(simulated.nodes[1])
    until(lambda: all(manager.get(task_id).status.is_final for task_id in ids), "the end of the tasks")

    assert {manager.get(task_id).status for task_id in ids} == {Status.COMPLETED}
    assert len(store.prompts) == len(set(store.prompts)) == len(ids)
    simulated.nodes[1] = simulated.add(num_cpus=1, num_gpus=1)
    until(lambda: len(set(ready(executor)) - set(both)) == 1, "the new machine")
    events: list[object] = []
    [new] = set(ready(executor)) - set(both)
    executor.run(new, a_job(), events.append, lambda: False)
    assert any(isinstance(event, Drawn) for event in events)


def test_the_embedded_model_draws_the_same_pixels_on_machines_as_here(tmp_path, simulated, executor):
    """On the three machines, which have no card but in name, and in this process."""
    import torch

    from backend.worker import make_workshop, sent_settings

    executor.close()  # one connection a process
    settings = Settings(executor="ray", ray_address="auto", ray_cpu_nodes=True, data_dir=tmp_path)
    torch.set_num_threads(1)
    make = partial(make_workshop, sent_settings(settings))
    here = make()
    here.prepare()
    job = a_job("一只红色的狐狸", num_images=2)
    own: list[object] = []
    here.generate(job, {}, own.append, lambda: False)

    remote = RayExecutor(Cluster(simulated.address), make, read_none, AnyFit(), cpu_nodes=True)
    remote.prepare()
    try:
        until(lambda: len(ready(remote)) == 3, "the workers of three machines")
        there: list[object] = []
        for slot in ready(remote):
            remote.run(slot, job, there.append, lambda: False)
    finally:
        remote.close()
    hashes, others = ([hash_pixels(e.image) for e in events if isinstance(e, Drawn)] for events in (own, there))
    assert len(hashes) == 2
    assert others == hashes * 3
