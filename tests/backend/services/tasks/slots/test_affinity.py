from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from backend.services.tasks.records import TaskRecord
from backend.services.tasks.slots.affinity import MAX_PASSED, MIN_LEFT, WINDOW, Batch, Loadout, assign, help_out
from tests.backend.fakes import Ticking, a_job, a_request


def key(name: str) -> str:
    return f"{int(name):032x}"


def a_task(name: str, model: str = "a", loras: tuple[str, ...] = ()) -> TaskRecord:
    uses = [{"name": lora} for lora in loras] or None
    job = a_job(name, model=model, loras=uses)
    return TaskRecord(id=key(name), request=a_request(name), job=job, created_at=Ticking()())


def taken(
    waiting: list[TaskRecord],
    idle: str,
    loadouts: Mapping[str, Loadout | str],
    busy: str = "",
    passed: Mapping[str, int] | None = None,
    fits=lambda slot, task: True,
) -> dict[str, str]:
    known = {slot: Loadout(held) if isinstance(held, str) else held for slot, held in loadouts.items()}
    by_id = {key(name): times for name, times in (passed or {}).items()}
    turns = assign(waiting, idle.split(), busy.split(), known, fits, by_id)
    return {slot: turn.task.request.prompt for slot, turn in turns.items()}


def test_without_anything_in_memory_each_slot_takes_the_next_one():
    tasks = [a_task("1"), a_task("2"), a_task("3")]
    assert taken(tasks, "x y", {}) == {"x": "1", "y": "2"}
    assert taken(tasks[:1], "x y", {}) == {"x": "1"}


def test_a_task_goes_to_the_idle_slot_that_has_its_model():
    assert taken([a_task("1", "b")], "x y", {"x": "a", "y": "b"}) == {"y": "1"}
    assert taken([a_task("1", "b"), a_task("2", "a")], "x y", {"x": "a", "y": "b"}) == {"y": "1", "x": "2"}


def test_an_empty_slot_is_filled_before_another_one_is_emptied():
    assert taken([a_task("1", "b")], "x y", {"x": "a"}) == {"y": "1"}


def test_of_two_with_the_model_the_one_with_the_loras_draws():
    with_lora = Loadout("a", frozenset({"ink"}))
    assert taken([a_task("1", "a", ("ink",))], "x y", {"x": "a", "y": with_lora}) == {"y": "1"}


def test_a_task_whose_model_a_busy_slot_has_is_passed_over_for_one_that_needs_no_load():
    tasks = [a_task("1", "b"), a_task("2", "a")]
    assert taken(tasks, "x", {"x": "a", "y": "b"}, busy="y") == {"x": "2"}
    assert taken(tasks, "x", {"x": "a"}, busy="y") == {"x": "1"}  # nobody has it: somebody must load it


def test_no_slot_stays_idle_for_the_sake_of_a_model():
    assert taken([a_task("1", "b")], "x", {"x": "a", "y": "b"}, busy="y") == {"x": "1"}


def test_whoever_was_passed_over_often_has_its_turn():
    tasks = [a_task("1", "b"), a_task("2", "a")]
    loadouts = {"x": "a", "y": "b"}
    assert taken(tasks, "x", loadouts, busy="y", passed={"1": MAX_PASSED - 1}) == {"x": "2"}
    assert taken(tasks, "x", loadouts, busy="y", passed={"1": MAX_PASSED}) == {"x": "1"}


def test_those_that_are_passed_over_are_named():
    tasks = [a_task("1", "b"), a_task("2", "b"), a_task("3", "a")]
    known = {"x": Loadout("a"), "y": Loadout("b")}
    [turn] = assign(tasks, ["x"], ["y"], known, lambda slot, task: task.id != key("2"), {}).values()
    assert (turn.task.id, turn.passed) == (key("3"), (key("1"),))  # the second could not have run there


def test_what_fits_nowhere_holds_nobody_up():
    tasks = [a_task("1"), a_task("2")]
    assert taken(tasks, "x", {}, fits=lambda slot, task: task.id == key("2")) == {"x": "2"}


def test_however_many_fit_nowhere_the_next_one_that_fits_has_its_turn():
    tasks = [a_task(f"{number}") for number in range(3 * WINDOW)]
    assert taken(tasks, "x", {}, fits=lambda slot, task: task is tasks[-1]) == {"x": f"{3 * WINDOW - 1}"}


def test_however_many_are_put_off_no_slot_rests_while_something_fits_it():
    """The first slot fits nothing but the last task; a busy one has the model of all others."""
    tasks = [a_task(f"{number}", "b") for number in range(2 * WINDOW)]

    def fits(slot: str, task: TaskRecord) -> bool:
        return slot == "y" or task is tasks[-1]

    assert taken(tasks, "x y", {"z": "b"}, busy="z", fits=fits) == {"y": "0", "x": f"{2 * WINDOW - 1}"}


def test_a_task_of_an_older_journal_has_no_model_yet():
    task = a_task("1").model_copy(update={"job": None})
    assert taken([task], "x", {"x": "a"}) == {"x": "1"}


@pytest.mark.parametrize("seed", range(20))
def test_nobody_starves_and_no_slot_rests_while_something_fits(seed):
    """One after the other, slots become idle in any order, while the queue is refilled."""
    lot = random.Random(seed)
    slots = ["x", "y", "z"]
    loadouts: dict[str, Loadout] = {}
    passed: dict[str, int] = {}
    waiting = [a_task(f"{number}", lot.choice("abcd")) for number in range(12)]
    most = 0
    for number in range(12, 200):
        slot = lot.choice(slots)
        turns = assign(waiting, [slot], [other for other in slots if other != slot], loadouts, lambda *_: True, passed)
        turn = turns[slot]
        for task_id in turn.passed:
            passed[task_id] = passed.get(task_id, 0) + 1
            most = max(most, passed[task_id])
        loadouts[slot] = Loadout.of(turn.task.job)
        waiting.remove(turn.task)
        waiting.append(a_task(f"{number}", lot.choice("abcd")))
    assert 0 < most <= MAX_PASSED


def helped(batches: list[Batch], idle: str, loadouts: Mapping[str, str] | None = None, **values: object) -> str:
    """Returns the names of the tasks that the slots help, in the order of the slots; - for none."""
    known = {slot: Loadout(model) for slot, model in (loadouts or {}).items()}
    turns = help_out(batches, idle.split(), known, values.get("fits", lambda slot, task: True))
    return " ".join(turns[slot].task.id.strip("0") if slot in turns else "-" for slot in idle.split())


def a_batch(name: str, n_left: int, n_slots: int = 1, client: str = "me", model: str = "a") -> Batch:
    return Batch(a_task(name, model).model_copy(update={"client": client}), n_left, n_slots)


def test_idle_slots_help_the_oldest_task_and_then_the_next():
    assert helped([a_batch("1", 1), a_batch("2", 5)], "x y z") == "1 2 2"
    assert helped([a_batch("1", 0)], "x") == "-"


def test_the_client_with_the_fewest_slots_is_helped_first():
    assert helped([a_batch("1", 9, n_slots=3), a_batch("2", 9, client="you")], "x y z") == "2 2 1"
    busy = [a_batch("1", 9), a_batch("3", 0, n_slots=2), a_batch("2", 9, client="you")]
    assert helped(busy, "x y") == "2 2"


def test_whoever_has_the_model_helps_before_whoever_has_none():
    assert helped([a_batch("1", 1)], "x y", {"y": "a"}) == "- 1"
    assert helped([a_batch("1", 1)], "x y", {"x": "b"}) == "- 1"


def test_a_model_is_not_given_up_for_one_image():
    assert helped([a_batch("1", 1)], "x", {"x": "b"}) == "-"
    assert helped([a_batch("1", MIN_LEFT)], "x", {"x": "b"}) == "1"
    assert helped([a_batch("1", 1), a_batch("2", 1, model="b")], "x", {"x": "b"}) == "2"


def test_what_does_not_fit_is_not_helped():
    assert helped([a_batch("1", 3)], "x y", fits=lambda slot, task: slot == "y") == "- 1"
