"""The images of one task in several slots at once."""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest

from backend.models.recipe import MAX_SEED
from backend.models.schemas import Status
from backend.services.errors import OutOfMemory, TaskAlreadyFinished, WorkerLost
from backend.services.generation.events import Emit, Ended, IsCancelled, Loaded, Preview, Step
from backend.services.generation.job import Job
from backend.services.generation.preview import PreviewPixels
from backend.services.task_manager import TaskManager
from backend.services.tasks.slots.affinity import Turn
from tests.backend.fakes import PATIENCE_S, FakeExecutor, a_picture, a_request, wait_until
from tests.backend.services.tasks.managing import FakeStore, Make, end

SEED = 7


class Fleet(FakeExecutor):
    """Draws an image when a test says how its turn ends; each is known by its prompt and number."""

    is_elastic = True

    def __init__(self, *slots: str) -> None:
        self.slots = slots
        self.started: list[tuple[str, str, int]] = []
        self._ends: dict[tuple[str, int], str] = {}
        self._changed = threading.Condition()

    def prepare(self) -> tuple[str, ...]:
        return self.slots

    def let(self, number: int, how: str = "drawn", prompt: str = "many") -> None:
        with self._changed:
            self._ends[prompt, number] = how
            self._changed.notify_all()

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        prompt = job.recipe.prompt
        first = (job.recipe.seed - SEED) % (MAX_SEED + 1)
        emit(Loaded("cuda"))
        for number in range(first, first + job.num_images):
            self.started.append((slot, prompt, number))
            emit(Step(0, 8))
            emit(Preview(PreviewPixels(1, 1, bytes([number % 256, 0, 0]))))
            emit(Step(min(number, 6) + 1, 8))
            how = self._wait(prompt, number, cancelled)
            if how == "drawn, then lost":
                emit(a_picture(prompt, job.recipe_of(number - first).seed))
                how = "lost"
            if how != "drawn":
                codes = {"lost": WorkerLost.code, "large": OutOfMemory.code}
                emit(Ended(codes[how], f"It is {how}.") if how in codes else Ended())
                return
            emit(a_picture(prompt, job.recipe_of(number - first).seed))
        emit(Ended())

    def _wait(self, prompt: str, number: int, cancelled: IsCancelled) -> str:
        with self._changed:
            while not cancelled():
                if (prompt, number) in self._ends:
                    return self._ends.pop((prompt, number))
                self._changed.wait(0.002)
        return "cancelled"

    def runs(self, *images: int | tuple[str, int]) -> None:
        """Waits for the starts of images, in whatever slots and order."""
        wanted = sorted(("many", image) if isinstance(image, int) else image for image in images)
        wait_until(lambda: sorted(start[1:] for start in self.started) == wanted, f"the start of {wanted}")


Start = Callable[..., tuple[TaskManager, Fleet, str]]


@pytest.fixture
def start(make: Make) -> Start:
    def start(*slots: str, num_images: int = 4, seed: int = SEED) -> tuple[TaskManager, Fleet, str]:
        fleet = Fleet(*slots)
        manager = make(executor=fleet)
        manager.start()
        wait_until(lambda: manager._workers.turns._idle.keys() == set(slots), "idle slots")
        return manager, fleet, manager.submit(a_request("many", num_images=num_images, seed=seed))

    return start


def seeds(manager: TaskManager, task_id: str) -> list[int]:
    return [image.seed for image in manager.get(task_id).images]


def slots_of(fleet: Fleet, prompt: str = "many") -> set[str]:
    return {slot for slot, other, _ in fleet.started if other == prompt}


def test_idle_slots_help_and_the_results_are_in_the_order_of_their_seeds(start: Start):
    manager, fleet, task_id = start("a", "b", "c", "d")
    fleet.runs(0, 1, 2, 3)
    assert slots_of(fleet) == {"a", "b", "c", "d"}
    assert set(manager.running_ids.values()) == {task_id}
    for number in (2, 0, 3, 1):
        fleet.let(number)
        wait_until(lambda number=number: SEED + number in seeds(manager, task_id))
        assert seeds(manager, task_id) == sorted(seeds(manager, task_id))
    [task] = end(manager, task_id)

    assert (task.status, seeds(manager, task_id)) == (Status.COMPLETED, [7, 8, 9, 10])
    assert len(fleet.started) == 4


def test_seeds_that_wrap_around_keep_their_order(start: Start):
    manager, fleet, task_id = start("a", "b", "c", num_images=3, seed=MAX_SEED)
    numbers = [(MAX_SEED - SEED + number) % (MAX_SEED + 1) for number in range(3)]
    fleet.runs(*numbers)
    for number in reversed(numbers):
        fleet.let(number)
    end(manager, task_id)
    assert seeds(manager, task_id) == [MAX_SEED, 0, 1]


def test_progress_counts_all_that_is_drawn(start: Start):
    manager, fleet, task_id = start("a", "b", "c", num_images=3)
    fleet.runs(0, 1, 2)
    wait_until(lambda: manager.get(task_id).step == 1 + 2 + 3)
    task = manager.get(task_id)
    assert task.progress == round(100 * 6 / 27, 1)
    assert task.message.startswith("0 of 3 pictures; 3 are drawn at once")
    fleet.let(1)
    wait_until(lambda: seeds(manager, task_id) == [8])
    task = manager.get(task_id)
    assert (task.step, task.current_step) == (1 + 3, 9 + 4)
    for number in (0, 2):
        fleet.let(number)
    assert end(manager, task_id)[0].progress == 100


def test_the_preview_is_the_first_images(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=2)
    fleet.runs(0, 1)
    wait_until(lambda: manager.get(task_id).step == 3)
    assert manager.preview(task_id) == (1, PreviewPixels(1, 1, bytes(3)))
    fleet.let(0)
    fleet.let(1)
    end(manager, task_id)


def test_what_waits_comes_before_helping(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=5)
    fleet.runs(0, 1)
    other = manager.submit(a_request("other", seed=SEED), "somebody else")
    fleet.let(1)
    fleet.runs(0, 1, ("other", 0))
    fleet.let(0)
    fleet.runs(0, 1, 2, ("other", 0))  # at home the task goes on
    fleet.let(0, prompt="other")
    end(manager, other)
    fleet.runs(0, 1, 2, 3, ("other", 0))
    for number in (2, 3, 4):
        fleet.let(number)
    assert end(manager, task_id)[0].status is Status.COMPLETED
    assert seeds(manager, task_id) == [7, 8, 9, 10, 11]


def test_clients_are_helped_in_turn(start: Start):
    manager, fleet, first = start("a", "b", "c", "d", num_images=6)
    fleet.runs(0, 1, 2, 3)
    second = manager.submit(a_request("second", seed=SEED, num_images=6), "somebody else")
    waits = manager.submit(a_request("third", seed=SEED), "me")
    fleet.let(1)
    fleet.runs(0, 1, 2, 3, ("second", 0))
    manager.cancel(waits)
    fleet.let(2)
    fleet.runs(0, 1, 2, 3, ("second", 0), ("second", 1))  # two slots each
    for task_id in (first, second):
        manager.cancel(task_id)
    assert {task.status for task in end(manager, first, second)} == {Status.CANCELLED}


def test_a_worker_that_comes_later_helps(start: Start):
    manager, fleet, task_id = start("a")
    fleet.runs(0)
    fleet.on_slots(("a", "b"))
    fleet.runs(0, 1)
    for number in range(4):
        fleet.let(number)
    end(manager, task_id)
    assert slots_of(fleet) == {"a", "b"}


def test_a_drained_worker_does_not_help(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=2)
    manager.cancel(task_id)
    end(manager, task_id)
    manager.drain_worker("b", is_drained=True)
    fleet.started.clear()
    second = manager.submit(a_request("second", seed=SEED, num_images=2))
    fleet.runs(("second", 0))
    fleet.let(0, prompt="second")
    fleet.runs(("second", 0), ("second", 1))
    fleet.let(1, prompt="second")
    end(manager, second)
    assert slots_of(fleet, "second") == {"a"}


def test_a_cancel_ends_all_of_it_and_keeps_what_is_there(start: Start):
    manager, fleet, task_id = start("a", "b", "c", num_images=9)
    fleet.runs(0, 1, 2)
    fleet.let(1)
    fleet.runs(0, 1, 2, 3)
    manager.cancel(task_id)
    [task] = end(manager, task_id)
    assert (task.status, seeds(manager, task_id)) == (Status.CANCELLED, [8])
    wait_until(lambda: not manager.running_ids)


def test_closing_interrupts_all_of_it(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=5)
    fleet.runs(0, 1)
    assert manager.close(PATIENCE_S)
    assert manager.get(task_id).status is Status.INTERRUPTED


@pytest.mark.parametrize("lost", [0, 1])
def test_the_image_of_a_lost_worker_is_drawn_by_another_one(start: Start, lost):
    manager, fleet, task_id = start("a", "b", num_images=3)
    fleet.runs(0, 1)
    fleet.let(lost, "lost")
    fleet.runs(0, 1, lost)
    for number in range(3):
        fleet.let(number)
    [task] = end(manager, task_id)
    assert (task.status, len(task.lost), seeds(manager, task_id)) == (Status.COMPLETED, 1, [7, 8, 9])
    assert len(fleet.started) == 4


def test_an_image_that_loses_two_workers_ends_the_task_with_what_is_there(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=5)
    fleet.runs(0, 1)
    fleet.let(1)
    fleet.runs(0, 1, 2)
    fleet.let(2, "lost")
    fleet.runs(0, 1, 2, 2)
    fleet.let(2, "lost")
    [task] = end(manager, task_id)
    assert (task.status, task.error_code, seeds(manager, task_id)) == (Status.INTERRUPTED, WorkerLost.code, [8])


def test_a_task_that_kills_workers_is_stopped(start: Start):
    manager, fleet, task_id = start("a", "b", "c", num_images=3)
    fleet.runs(0, 1, 2)
    fleet.let(0, "lost")
    wait_until(lambda: len(manager.get(task_id).lost) == 1)
    fleet.runs(0, 0, 1, 2)
    fleet.let(0, "lost")
    assert end(manager, task_id)[0].status is Status.INTERRUPTED


def test_an_outage_that_takes_all_workers_at_once_ends_no_task(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=3)
    fleet.runs(0, 1)
    for slot in ("a", "b"):
        manager.drain_worker(slot, is_drained=True)
    for number in (0, 1):
        fleet.let(number, "lost")
    wait_until(lambda: manager.get(task_id).status is Status.PENDING)
    for slot in ("a", "b"):
        manager.drain_worker(slot, is_drained=False)
    for number in range(3):
        fleet.let(number)
    [task] = end(manager, task_id)
    assert (task.status, len(task.lost), seeds(manager, task_id)) == (Status.COMPLETED, 2, [7, 8, 9])


def test_a_worker_that_dies_after_its_image_has_lost_none(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=2)
    fleet.runs(0, 1)
    fleet.let(0, "drawn, then lost")
    wait_until(lambda: seeds(manager, task_id) == [7])
    fleet.let(1, "lost")
    fleet.runs(0, 1, 1)
    fleet.let(1)
    assert end(manager, task_id)[0].status is Status.COMPLETED


def test_images_that_are_shown_while_they_are_drawn_come_one_after_the_other(make: Make):
    fleet = Fleet("a", "b")
    manager = make(executor=fleet)
    manager.start()
    wait_until(lambda: len(manager._workers.turns._idle) == 2, "idle slots")
    task_id = manager.submit(a_request("many", num_images=2, seed=SEED), partial_images=2)
    fleet.let(0)
    fleet.let(1)
    end(manager, task_id)
    assert len(slots_of(fleet)) == 1


def test_a_task_whose_workers_are_all_lost_waits_and_goes_on_with_what_is_missing(start: Start, store: FakeStore):
    manager, fleet, task_id = start("a", num_images=3)
    fleet.runs(0)
    fleet.let(0)
    fleet.runs(0, 1)
    manager.drain_worker("a", is_drained=True)
    fleet.let(1, "lost")
    wait_until(lambda: manager.get(task_id).status is Status.PENDING)
    assert (seeds(manager, task_id), manager.get(task_id).worker) == ([7], None)
    assert "waits for another worker" in manager.get(task_id).message

    fleet.on_slots(("a", "b"))
    for number in (1, 2):
        fleet.let(number)
    [task] = end(manager, task_id)
    assert (task.status, task.worker, seeds(manager, task_id)) == (Status.COMPLETED, "b", [7, 8, 9])
    assert [picture.recipe.seed for picture in store.pictures] == [7, 8, 9]


def test_help_that_comes_too_late_begins_nothing(start: Start):
    manager, fleet, task_id = start("a", num_images=1)
    fleet.runs(0)
    fleet.let(0)
    [task] = end(manager, task_id)
    workers = manager._workers
    wait_until(lambda: "a" in workers.turns._idle)
    with manager._table.changed:
        workers.turns._known = (manager._table.waiting, {"a": Turn(task, is_help=True)})
        assert workers._take_next("a") is None
    assert manager.get(task_id).status is Status.COMPLETED
    assert len(fleet.started) == 1


def test_a_fault_of_one_image_ends_the_others(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=5)
    fleet.runs(0, 1)
    fleet.let(1, "large")
    [task] = end(manager, task_id)
    assert (task.status, task.error_code, len(fleet.started)) == (Status.FAILED, OutOfMemory.code, 2)


def test_the_time_that_is_left_is_shared(start: Start):
    manager, fleet, task_id = start("a", "b", num_images=5)
    fleet.runs(0, 1)
    wait_until(lambda: manager.get(task_id).step == 3)
    assert manager.position_and_eta(manager.get(task_id))[1] is not None
    model = manager._etas._model
    model.learn(manager.get(task_id).job, denoise_s=80.0, around_s=0.0)
    assert manager.position_and_eta(manager.get(task_id))[1] == pytest.approx((5 * 80 - 30) / 2, abs=1)
    manager.cancel(task_id)
    end(manager, task_id)


def test_a_machine_with_one_slot_draws_a_task_in_one_go(make: Make):
    fleet = Fleet("a")
    fleet.is_elastic = False
    manager = make(executor=fleet)
    manager.start()
    calls: list[int] = []
    run = fleet.run
    fleet.run = lambda slot, job, emit, cancelled: (calls.append(job.num_images), run(slot, job, emit, cancelled))
    task_id = manager.submit(a_request("many", num_images=3, seed=SEED))
    for number in range(3):
        fleet.let(number)
    end(manager, task_id)
    assert (calls, seeds(manager, task_id)) == ([3], [7, 8, 9])


class Chance(FakeExecutor):
    """Draws, loses workers and fails as the dice fall."""

    is_elastic = True

    def __init__(self, seed: int) -> None:
        self._lot = random.Random(seed)

    def prepare(self) -> tuple[str, ...]:
        return ("a", "b", "c", "d")

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        emit(Loaded("cuda"))
        for index in range(job.num_images):
            emit(Step(0, 8))
            dice = self._lot.random()
            time.sleep(dice / 500)
            if cancelled():
                break
            if dice < 0.12:
                emit(Ended(*((WorkerLost.code, "Lost.") if dice < 0.1 else (OutOfMemory.code, "Large."))))
                return
            emit(a_picture(job.recipe.prompt, job.recipe_of(index).seed))
        emit(Ended())


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_every_task_ends_and_every_image_is_there_once(make: Make, store: FakeStore, seed):
    manager, lot = make(executor=Chance(seed)), random.Random(seed)
    manager.start()
    ids = []
    for number in range(40):
        request = a_request(f"{number}", seed=lot.randrange(1000), num_images=lot.randint(1, 6))
        ids.append(manager.submit(request, lot.choice("xyz")))
        if lot.random() < 0.2:
            with contextlib.suppress(TaskAlreadyFinished):
                manager.cancel(lot.choice(ids))
    tasks = end(manager, *ids)

    drawn = Counter((picture.recipe.prompt, picture.recipe.seed) for picture in store.pictures)
    assert set(drawn.values()) == {1}
    listed = Counter((image.prompt, image.seed) for task in tasks for image in task.images)
    assert listed == drawn
    for task in tasks:
        places = [task.job.index_of(image.seed) for image in task.images]
        assert places == sorted(places)
        assert (task.status is Status.COMPLETED) == (places == list(range(task.request.num_images)))
    wait_until(lambda: not manager.running_ids)
