"""Models leave the memory when somebody asks, or when nobody has drawn for long; never while a task needs one."""

from __future__ import annotations

import pytest

from backend.models.schemas import Status
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.local import LocalExecutor
from tests.backend.fakes import PLAIN_CPU, a_request, make_planner, wait_until
from tests.backend.services.tasks.managing import end, run_into_pause


@pytest.fixture
def executor(settings, engine):
    return LocalExecutor(
        settings, Catalogue(settings), lambda: engine, lambda: PLAIN_CPU, make_planner(settings, lambda: PLAIN_CPU)
    )


def test_the_demo_model_is_loaded_while_nobody_waits(make, executor, engine):
    make(executor=executor).start()
    wait_until(lambda: executor.loaded_models == ("zimage-nano",))
    assert len(engine.loads) == 1


def test_a_demo_model_that_cannot_be_loaded_is_no_fault_until_it_is_drawn_with(make, executor, engine):
    engine.load_error = RuntimeError("damaged")
    manager = make(executor=executor)
    manager.start()
    wait_until(lambda: engine.loads)
    assert executor.healthy
    engine.load_error = None
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


def test_memory_is_freed_when_somebody_asks_and_the_next_task_loads_again(make, executor, engine):
    manager = make(executor=executor)
    manager.start()
    end(manager, manager.submit(a_request()))
    manager.free_memory()
    wait_until(lambda: executor.loaded_models == ())
    end(manager, manager.submit(a_request()))
    assert executor.loaded_models == ("zimage-nano",)
    assert len(engine.loads) == 2


def test_loading_is_said(make, executor, engine):
    manager, messages = make(executor=executor), []
    manager.start()
    wait_until(lambda: executor.loaded_models)
    manager.free_memory()
    wait_until(lambda: not executor.loaded_models)
    engine.load = lambda *_: messages.append(manager.active()[0].message)
    end(manager, manager.submit(a_request()))
    assert messages == ["Loading zimage-nano"]


def test_a_running_and_a_waiting_task_keep_their_model(make, executor, engine):
    manager = make(executor=executor)
    manager.start()
    running, release = run_into_pause(manager, engine, 3)
    waiting = manager.submit(a_request("waiting"))
    manager.free_memory()
    assert executor.loaded_models == ("zimage-nano",)
    release()
    assert [task.status for task in end(manager, running, waiting)] == [Status.COMPLETED] * 2
    wait_until(lambda: executor.loaded_models == ())
    assert len(engine.loads) == 1


def test_a_wish_of_the_time_before_the_devices_were_known_is_remembered(make, executor, engine):
    manager = make(executor=executor)
    manager.free_memory()
    manager.start()
    wait_until(lambda: engine.loads)
    wait_until(lambda: executor.loaded_models == ())


def test_memory_is_freed_after_an_idle_time(make, executor, engine):
    manager = make(executor=executor, idle_unload_s=0.05)
    manager.start()
    end(manager, manager.submit(a_request()))
    wait_until(lambda: executor.loaded_models == ())
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED


def test_memory_that_cannot_be_freed_ends_no_thread(make, executor, engine, monkeypatch):
    manager = make(executor=executor)
    manager.start()
    end(manager, manager.submit(a_request()))

    def fail() -> None:
        raise RuntimeError("the device does not answer")

    monkeypatch.setattr(engine, "unload", fail)
    manager.free_memory()
    wait_until(lambda: executor.loaded_models == ())
    assert end(manager, manager.submit(a_request()))[0].status is Status.COMPLETED
