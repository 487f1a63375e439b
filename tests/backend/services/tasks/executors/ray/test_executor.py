"""The executor over a pretended cluster; `test_cluster.py` has a real one."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from backend.models.schemas import Status
from backend.services.errors import ExecutorUnusable
from backend.services.generation.inputs import read_none
from backend.services.tasks.executors.ray import executor as module
from backend.services.tasks.executors.ray.cluster import Cluster
from backend.services.tasks.executors.ray.executor import ANY_CARD, RayExecutor
from backend.services.tasks.executors.ray.standing import MAX_STRIKES
from tests.backend.fakes import PATIENCE_S, PLAIN_CPU, a_job, a_request, wait_until, with_cards
from tests.backend.services.tasks.executors.contract import CHECKS
from tests.backend.services.tasks.executors.ray.pretending import Clock, PretendedCluster, Stream, a_node
from tests.backend.services.tasks.executors.ray.workshops import Sleeping
from tests.backend.services.tasks.managing import Make, end


class AnyFit:
    def __init__(self) -> None:
        self.learned: list[int] = []

    def fits(self, facts, job) -> bool:
        return job.recipe.model in facts.models

    def lacks(self, facts) -> str:
        return ""

    def learn(self, facts, drawn, forwards_s) -> None:
        assert forwards_s > 0
        self.learned.append(drawn.recipe.seed)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    for name in ("TEND_EVERY_S", "LOOK_AT_NODES_EVERY_S", "CONNECT_AGAIN_S"):
        monkeypatch.setattr(module, name, 0.01)


@pytest.fixture
def cluster() -> PretendedCluster:
    return PretendedCluster("a", "b")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def executor(cluster, clock) -> Iterator[RayExecutor]:
    made = RayExecutor(cluster, lambda: Sleeping(0.002), read_none, AnyFit(), cpu_nodes=False, monotonic=clock)
    yield made
    made.close()


def ready(executor: RayExecutor, number: int = 2) -> list[str]:
    def slots() -> list[str]:
        return [worker.slot for worker in executor.workers() if worker.state == "ready"]

    wait_until(lambda: len(slots()) == number, f"{number} workers")
    return slots()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_does_what_every_executor_does(executor, check):
    executor.prepare()
    check(executor, ready(executor)[0])


def test_machines_come_and_go(executor, cluster):
    told: list[tuple[str, ...]] = []
    assert executor.prepare() == ()
    executor.watch(told.append)
    first, second = ready(executor)
    wait_until(lambda: told[-1] == (first, second))
    cluster.names = ["b", "c"]
    wait_until(lambda: len(told[-1]) == 2 and first not in told[-1])
    assert second in told[-1]
    assert cluster.handles["a"].is_out
    assert not executor.fits(first, a_job())


def test_a_job_does_not_run_where_its_model_is_not(executor):
    executor.prepare()
    slot, _ = ready(executor)
    assert executor.fits(slot, a_job())
    assert not executor.fits(slot, a_job(model="other"))


def test_it_is_learned_what_images_take_on_the_best_hardware(executor, monkeypatch):
    executor.prepare()
    slot, _ = ready(executor)
    executor.run(slot, a_job(num_images=2), lambda _event: None, lambda: False)
    shown = a_job().model_copy(update={"partial_images": 1})  # its pauses are no forwards
    executor.run(slot, shown, lambda _event: None, lambda: False)
    assert executor._fitting.learned == [7, 8]
    monkeypatch.setattr(executor, "hardware", with_cards)
    executor.run(slot, a_job(), lambda _event: None, lambda: False)
    assert executor._fitting.learned == [7, 8]


def test_what_the_best_worker_has_decides_what_may_be_asked_for(executor):
    assert executor.hardware() == ANY_CARD
    executor.prepare()
    ready(executor)
    assert executor.hardware() == PLAIN_CPU


def test_requests_wait_together_for_what_no_worker_has_told(executor, cluster, clock, monkeypatch):
    cluster.names = []
    executor.prepare()
    wait_until(lambda: cluster.is_connected)
    waits: list[float] = []

    def wait(timeout_s: float) -> bool:
        waits.append(timeout_s)
        clock.ahead_s += module.HARDWARE_S / 2
        return False

    monkeypatch.setattr(executor._known, "wait", wait)
    assert executor.hardware() == ANY_CARD
    assert 1 <= len(waits) <= 2
    waits.clear()
    assert [executor.hardware() for _ in range(3)] == [ANY_CARD] * 3
    assert waits == []


def test_no_request_waits_for_a_cluster_that_is_not_there(executor, cluster, monkeypatch):
    monkeypatch.setattr(executor._known, "wait", lambda timeout_s: pytest.fail("it waits"))
    assert executor.hardware() == ANY_CARD  # nobody is asked yet
    cluster.is_there = False
    executor.prepare()
    wait_until(lambda: executor.fault.message.startswith("The Ray cluster does not answer"))
    assert executor.hardware() == ANY_CARD


def test_without_workers_it_is_at_fault_and_tasks_wait(make: Make, executor, cluster):
    cluster.names = []
    manager = make(executor=executor)
    manager.start()
    task_id = manager.submit(a_request())
    wait_until(lambda: cluster.is_connected)
    wait_until(lambda: executor.fault.code == "no_workers")
    assert not executor.healthy
    assert manager.get(task_id).status is Status.PENDING
    cluster.names = ["a"]
    assert end(manager, task_id)[0].status is Status.COMPLETED
    assert executor.fault is None


def test_a_cluster_that_is_gone_is_joined_again_and_nothing_is_lost(make: Make, executor, cluster):
    manager = make(executor=executor)
    manager.start()
    ready(executor)
    cluster.is_there = False
    wait_until(lambda: executor.fault is not None and executor.fault.code == "cluster_lost")
    task_id = manager.submit(a_request())
    assert executor.workers() == ()
    cluster.is_there = True
    assert end(manager, task_id)[0].status is Status.COMPLETED
    assert cluster.connections == 2


def test_a_job_that_is_drawn_while_everything_ends_is_lost_and_does_not_fail(executor, monkeypatch):
    executor.prepare()
    slot, _ = ready(executor)
    events: list[object] = []

    def hear(stream, timeout_s: float):
        executor.close()
        raise ValueError("an object whose owner is unknown")

    monkeypatch.setattr(Stream, "hear", hear)
    executor.run(slot, a_job(), events.append, lambda: False)
    assert [event.code for event in events] == ["worker_lost"]


def test_a_job_whose_worker_has_just_gone_is_lost_and_does_not_fail(executor):
    executor.prepare()
    ready(executor)
    events: list[object] = []
    executor.run("gone", a_job(), events.append, lambda: False)
    assert [event.code for event in events] == ["worker_lost"]


def test_a_worker_that_is_taken_out_is_said_and_the_others_go_on(executor, clock):
    executor.prepare()
    slot, other = ready(executor)
    for _ in range(10):
        if executor.workers()[0].state == "given_up":
            break
        executor.run(slot, a_job("sick"), lambda event: None, lambda: False)
        clock.ahead_s += 100
        wait_until(lambda: executor.workers()[0].state in ("ready", "given_up"))
    assert (executor.fault.code, executor.fault.partial) == ("device_given_up", True)
    assert slot in executor.fault.message
    assert executor.healthy
    assert [executor.fits(each, a_job()) for each in (slot, other)] == [False, True]


class Mixed(PretendedCluster):
    """A machine with a card and one without; the card's worker starts when it may."""

    def __init__(self) -> None:
        super().__init__("card", "processor")
        self.may_start = threading.Event()
        self.looks = 0

    def nodes(self):
        self.looks += 1
        return [a_node("card", GPU=1, CPU=1), a_node("processor", CPU=1)]

    def start_actor(self, place, make_workshop):
        if not place.n_gpus:
            return super().start_actor(place, make_workshop)
        return super().start_actor(place, lambda: Late(self.may_start))

    def tend(self) -> None:
        """Waits until what stands now has been looked at."""
        looks = self.looks
        wait_until(lambda: self.looks > looks + 1)


class Late(Sleeping):
    def __init__(self, may_start: threading.Event) -> None:
        super().__init__(hardware=with_cards())
        self.may_start = may_start

    def prepare(self) -> None:
        assert self.may_start.wait(PATIENCE_S)


@pytest.fixture
def mixed(clock) -> Iterator[tuple[RayExecutor, Mixed]]:
    cluster = Mixed()
    made = RayExecutor(cluster, Sleeping, read_none, AnyFit(), cpu_nodes=True, monotonic=clock)
    made.prepare()
    yield made, cluster
    cluster.may_start.set()
    made.close()


def states(executor: RayExecutor) -> dict[str, str]:
    return {worker.slot: worker.state for worker in executor.workers()}


def fail(executor: RayExecutor, slot: str) -> None:
    wait_until(lambda: states(executor)[slot] == "ready")
    executor.run(slot, a_job("sick"), lambda event: None, lambda: False)


def both_of(executor: RayExecutor) -> tuple[str, str]:
    [processor] = ready(executor, 1)
    [card] = set(states(executor)) - {processor}
    return processor, card


def test_a_card_s_jobs_wait_for_it_while_it_starts_and_until_it_is_given_up(mixed, clock):
    executor, cluster = mixed
    processor, card = both_of(executor)
    job = a_job(use_gpu=True)
    assert [executor.fits(processor, each) for each in (a_job(), job)] == [True, False]
    cluster.may_start.set()
    ready(executor)
    assert [executor.fits(slot, job) for slot in (processor, card)] == [False, True]

    for _ in range(MAX_STRIKES - 1):
        fail(executor, card)
        cluster.tend()
        assert not executor.fits(processor, job)
        clock.ahead_s += 100
    fail(executor, card)
    wait_until(lambda: executor.fits(processor, job))


def test_the_queue_is_told_of_a_card_that_is_given_up_under_its_job(mixed, clock):
    """It has rung for the task that waits again before the processor was one for everything."""
    executor, cluster = mixed
    processor, card = both_of(executor)
    cluster.may_start.set()
    ready(executor)
    told: list[bool] = []
    executor.watch(lambda slots: told.append(executor.fits(processor, a_job(use_gpu=True))))
    for _ in range(MAX_STRIKES):
        fail(executor, card)
        clock.ahead_s += 100
    wait_until(lambda: told[-1], "word of it")


def test_a_missing_package_is_said_with_what_helps(monkeypatch):
    from backend.services.tasks.executors.ray import cluster

    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    with pytest.raises(ExecutorUnusable, match=r"z-image-studio\[ray\]"):
        Cluster(None).load()


def test_a_task_of_an_executor_that_cannot_be_prepared_says_why(make: Make, executor, cluster):
    cluster.load_error = ExecutorUnusable("needs the package ray")
    manager = make(executor=executor)
    manager.start()
    [task] = end(manager, manager.submit(a_request()))
    assert (task.error_code, task.error) == ("executor_unusable", "needs the package ray")


@pytest.mark.slow
def test_nothing_of_ray_is_imported_or_started_without_the_setting(repository_root, tmp_path):
    script = (
        "import json, sys, threading\n"
        "from starlette.testclient import TestClient\n"
        "from backend.main import create_app\n"
        "from tests.backend.fakes import PLAIN_CPU, FakeEngine\n"
        "with TestClient(create_app(None, FakeEngine, lambda: PLAIN_CPU), base_url='http://localhost') as client:\n"
        "    client.get('/health')\n"
        "    names = [name for name in sys.modules if name.split('.')[0] == 'ray' or '.ray' in name]\n"
        "    threads = [thread.name for thread in threading.enumerate() if thread.name == 'ray']\n"
        "print(json.dumps([names, threads]))"
    )
    environment = {"PYTHONPATH": str(repository_root), "ZIMAGE_DATA_DIR": str(tmp_path / "data"), "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [[], []]
