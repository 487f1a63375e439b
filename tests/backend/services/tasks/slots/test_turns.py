from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest

from backend.services.tasks.records import TaskRecord
from backend.services.tasks.slots import turns as module
from backend.services.tasks.slots.turns import Turns
from tests.backend.fakes import PATIENCE_S, a_job, wait_until
from tests.backend.services.tasks.slots.test_affinity import a_task


@pytest.fixture
def table() -> SimpleNamespace:
    return SimpleNamespace(lock=threading.RLock(), waiting=())


@pytest.fixture
def turns(table) -> Turns:
    return Turns(table, lambda slot, job: True)


def test_a_slot_that_becomes_idle_wakes_another_one_that_has_something_to_take_then(table):
    """Before, the task that both fit was meant for the first of them, which has the model of a later one."""
    places = {"held": "y", "both": "zx", "own": "z"}
    turns = Turns(table, lambda slot, job: slot in places.get(job.recipe.prompt, slot))
    with table.lock:
        turns.load("w", a_job(model="b"))
        turns.take("w", SimpleNamespace(task=a_task("9", "b"), passed=()))
        turns.load("z", a_job(model="c"))
        turns.load("x", a_job(model="d"))
        turns.load("y", a_job(model="d"))
        turns.rest("z")
        turns.rest("x")
    table.waiting = (a_waiting("held", "b"), a_waiting("both", "a"), a_waiting("own", "c"))
    turns.ring()
    assert turns.next_for("x") is None

    woken, waits = threading.Event(), threading.Event()

    def wait() -> None:
        with table.lock:
            waits.set()
            turns.wait("x", 3 * PATIENCE_S)
            woken.set()

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    assert waits.wait(PATIENCE_S)
    with table.lock:
        turns.rest("y")
    wait_until(woken.is_set, "the other slot's wake-up")
    thread.join(PATIENCE_S)
    assert turns.next_for("x").task.job.recipe.prompt == "both"


def test_a_drained_slot_that_goes_for_a_while_stays_drained(turns):
    turns.rest("x")
    turns.drain("x", is_drained=True)
    turns.close("x")
    turns.rest("x")
    assert not turns.takes("x", a_job())
    turns.drain("x", is_drained=False)
    turns.close("x")
    assert turns.takes("x", a_job())


def test_the_drains_of_the_slots_that_went_last_are_remembered(turns, monkeypatch):
    monkeypatch.setattr(module, "MAX_GONE", 2)
    for slot in "wxyz":
        turns.drain(slot, is_drained=True)
    for slot in "xyz":
        turns.close(slot)
    assert turns.drained == {"w", "y", "z"}
    turns.rest("y")  # is here again, and counts no more
    turns.close("x")
    turns.close("w")
    assert turns.drained == {"w", "y", "z"}


def a_waiting(prompt: str, model: str) -> TaskRecord:
    return a_task("1", model).model_copy(update={"id": prompt, "job": a_job(prompt, model=model)})
