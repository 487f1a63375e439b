from __future__ import annotations

import threading
from functools import partial

import pytest

from backend.services.generation.events import Drawn, Ended, JobEvent, Step
from backend.services.tasks.executors.ray.facts import read_versions
from backend.services.tasks.executors.ray.placement import find_places
from backend.services.tasks.executors.ray.remote import LOOK_EVERY_S, LOOK_S, SILENT_S, STUCK_S, RemoteWorker
from backend.services.tasks.executors.ray.standing import LONGEST_PAUSE_S, MAX_STRIKES
from tests.backend.fakes import PATIENCE_S, a_job, wait_until
from tests.backend.services.tasks.executors.ray.pretending import Clock, PretendedCluster, Stream
from tests.backend.services.tasks.executors.ray.workshops import Sleeping


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cluster() -> PretendedCluster:
    return PretendedCluster("a")


@pytest.fixture
def start(cluster, clock):
    def start(make_workshop=Sleeping) -> RemoteWorker:
        [place] = find_places(cluster.nodes(), cpu_nodes=False)
        return RemoteWorker(cluster, place, make_workshop, read_versions(), clock)

    return start


def until(worker: RemoteWorker, state: str) -> None:
    wait_until(lambda: (worker.tend(), worker.standing.state == state)[1], f"the state {state}")


def run(worker: RemoteWorker, prompt: str = "a red apple", cancelled=lambda: False, **values) -> Ended:
    return worker.run(a_job(prompt, **values), {}, lambda _event: None, cancelled)


def test_it_joins_when_it_has_told_what_it_is(start):
    worker = start()
    assert not worker.is_ready
    until(worker, "ready")
    assert worker.facts is not None
    described = worker.describe("It lacks something.")
    assert (described.state, described.device, described.note) == ("ready", "cpu", "It lacks something.")


def test_another_version_is_refused_and_says_which(start, cluster):
    worker = start(lambda: Sleeping(versions={"torch": "1.0"}))
    until(worker, "refused")
    assert "torch 1.0 instead of" in worker.describe("").note
    assert cluster.handles["a"].is_out


def test_it_draws(start):
    worker, events = start(), []
    until(worker, "ready")
    assert worker.run(a_job(), {}, events.append, lambda: False) == Ended()
    assert isinstance(events[-1], Drawn)
    assert worker.model == "zimage-nano"
    worker.unload()
    assert worker.model is None


def test_its_death_is_a_loss_and_it_comes_back(start, cluster, clock):
    worker, stopped = start(lambda: Sleeping(0.02)), threading.Event()
    until(worker, "ready")

    def emit(event: JobEvent) -> None:
        if isinstance(event, Step) and event.done == 1:
            cluster.handles["a"].is_dead = True
            stopped.set()

    end = worker.run(a_job(), {}, emit, lambda: False)
    assert (end.code, stopped.is_set()) == ("worker_lost", True)
    assert worker.standing.state == "failed"
    worker.tend()
    assert worker.standing.state == "failed"  # it is waited for
    clock.ahead_s += LONGEST_PAUSE_S
    until(worker, "ready")
    assert run(worker) == Ended()


def test_whatever_ray_raises_under_a_job_whose_worker_is_let_go_is_a_loss(start, cluster, monkeypatch):
    worker = start()
    until(worker, "ready")

    def let_go(stream, timeout_s: float):
        worker.leave("The cluster is gone.")
        raise ValueError("an object whose owner is unknown")

    monkeypatch.setattr(Stream, "hear", let_go)
    assert run(worker).code == "worker_lost"


def test_a_fault_of_ours_is_no_loss(start, monkeypatch):
    worker = start()
    until(worker, "ready")
    monkeypatch.setattr(Stream, "hear", lambda stream, timeout_s: [b"nonsense"])
    with pytest.raises(ValueError, match="unpack"):
        run(worker)
    assert worker.is_ready


def test_a_card_that_fails_again_and_again_is_taken_out(start, cluster, clock):
    worker = start()
    for _ in range(MAX_STRIKES):
        until(worker, "ready")
        assert run(worker, "sick").code == "device_error"
        clock.ahead_s += LONGEST_PAUSE_S
        worker.tend()
    assert worker.standing.state == "given_up"
    assert worker.describe("").note == "Its device has failed."
    assert cluster.handles["a"].is_out


def test_a_machine_that_cannot_draw_is_tried_again_and_says_why(start, clock, tmp_path):
    order = tmp_path / "unprepared"
    order.touch()
    worker = start(partial(Sleeping, folder=tmp_path))
    until(worker, "failed")
    assert "no driver" in worker.describe("").note
    order.unlink()
    clock.ahead_s += LONGEST_PAUSE_S
    until(worker, "ready")


def test_a_worker_that_does_not_answer_is_lost_and_its_job_with_it(start, cluster, clock):
    worker, ends = start(lambda: Sleeping(0.02)), []
    until(worker, "ready")
    stopped = threading.Event()

    def emit(event: JobEvent) -> None:
        if isinstance(event, Step) and event.done == 1:
            cluster.handles["a"].is_silent = True
            stopped.set()

    thread = threading.Thread(target=lambda: ends.append(worker.run(a_job(), {}, emit, lambda: False)))
    thread.start()
    assert stopped.wait(PATIENCE_S)
    clock.ahead_s += LOOK_EVERY_S
    worker.tend()
    clock.ahead_s += SILENT_S + 1
    worker.tend()
    thread.join(PATIENCE_S)
    assert [end.code for end in ends] == ["worker_lost"]


def test_one_that_never_starts_is_waited_for_and_says_so(start, cluster, clock):
    def never() -> Sleeping:
        assert threading.Event().wait(PATIENCE_S) is None
        return Sleeping()

    worker = start(never)
    clock.ahead_s += LOOK_S + 1
    worker.tend()
    assert worker.standing.state == "starting"
    assert "card" in worker.describe("").note


def test_a_job_that_does_not_hear_its_cancel_is_ended_with_its_process(start, clock):
    class Deaf(Sleeping):
        def generate(self, job, images, emit, cancelled):
            emit(Step(0, 1))
            threading.Event().wait(PATIENCE_S)

    worker = start(Deaf)
    until(worker, "ready")

    def cancelled() -> bool:
        clock.ahead_s += STUCK_S / 2
        return True

    assert run(worker, cancelled=cancelled).code == "worker_lost"


def test_new_weights_are_seen(start, clock):
    workshop = Sleeping(models=frozenset())
    worker = start(lambda: workshop)
    until(worker, "ready")
    assert worker.facts.models == frozenset()
    workshop.models = frozenset({"zimage-nano"})
    clock.ahead_s += LOOK_EVERY_S + 1
    wait_until(lambda: (worker.tend(), worker.facts.models == {"zimage-nano"})[1])
