from __future__ import annotations

import pytest

from backend.models.schemas import Status
from backend.services.generation.job import Job
from backend.services.tasks.eta import Busy, EtaModel, QueueEtas
from backend.services.tasks.records import TaskRecord
from tests.backend.fakes import Ticking, a_job, a_request


class CountingModel(EtaModel):
    """Counts how often it is asked."""

    asked = 0

    def seconds(self, job: Job | None, images_done: int = 0, forwards_done: int = 0) -> float | None:
        self.asked += 1
        return super().seconds(job, images_done, forwards_done)


@pytest.fixture
def model() -> CountingModel:
    """Knows that 256×256 takes a second a forward and two around them."""
    model = CountingModel()
    model.learn(a_job(), denoise_s=8.0, around_s=2.0)
    return model


# -- one job ----------------------------------------------------------------------------------------------------------


def test_nothing_is_foretold_without_experience():
    assert EtaModel().seconds(a_job()) is None


@pytest.mark.parametrize(
    ("values", "done", "seconds"),
    [
        ({}, (0, 0), 10.0),
        ({}, (0, 5), 5.0),
        ({"num_inference_steps": 1}, (0, 0), 3.0),
        ({"num_images": 4}, (0, 0), 40.0),
        ({"num_images": 4}, (3, 8), 2.0),
        ({"width": 512}, (0, 0), 20.0),
        ({"init_image": "0" * 64, "strength": 0.5}, (0, 0), 6.0),
        ({"init_image": "0" * 64, "strength": 0.5, "upscale": {"width": 448, "height": 448}}, (0, 0), 24.0),
        ({"guidance_scale": 4.0}, (0, 0), None),
        ({"model": "z-image-turbo"}, (0, 0), None),
        ({"use_gpu": True}, (0, 0), None),
    ],
)
def test_what_is_left(model, values, done, seconds):
    assert model.seconds(a_job(**values), *done) == (seconds and pytest.approx(seconds))


def test_what_tiles_take_is_learned_for_each_of_them(model):
    tiles = {"init_image": "0" * 64, "strength": 0.5, "upscale": {"width": 448, "height": 448}}
    for _ in range(20):
        model.learn(a_job(**tiles), denoise_s=32.0, around_s=12.0)
    assert model.seconds(a_job()) == pytest.approx(8 * 2 + 3, rel=0.01)


def test_the_mean_follows_what_is_measured(model):
    for _ in range(20):
        model.learn(a_job(), denoise_s=80.0, around_s=2.0)
    assert model.seconds(a_job()) == pytest.approx(82.0, rel=0.01)


def test_the_first_steps_of_a_first_image_are_a_guess_until_it_is_known(model):
    small = EtaModel()
    small.guess(a_job(), forwards=2, denoise_s=6.0)
    assert small.seconds(a_job(), 0, 2) == pytest.approx(18.0)
    model.guess(a_job(), forwards=2, denoise_s=600.0)
    assert model.seconds(a_job()) == pytest.approx(10.0)


def test_guesses_of_two_slots_do_not_drive_each_other_out():
    model = EtaModel()
    for name in ("mine", "other", *map(str, range(14))):
        model.guess(a_job(model=name), forwards=2, denoise_s=6.0)
    assert model.seconds(a_job(model="mine"), 0, 2) == pytest.approx(18.0)
    model.guess(a_job(model="one more"), forwards=2, denoise_s=6.0)
    assert [model.seconds(a_job(model=name)) is None for name in ("mine", "other", "one more")] == [True, False, False]


def test_only_so_many_kinds_are_remembered():
    model = EtaModel()
    for side in range(256, 256 + 16 * 80, 16):
        model.learn(a_job(width=side, model=f"m{side}"), 8.0, 0.0)
    assert model.seconds(a_job(model="m256")) is None
    assert model.seconds(a_job(width=1504, model="m1520")) is not None


# -- a queue ----------------------------------------------------------------------------------------------------------


def a_task(number: int, status: Status = Status.PENDING, **values: object) -> TaskRecord:
    facts = {"id": f"{number:032x}", "request": a_request(), "job": a_job(), "created_at": Ticking()()}
    return TaskRecord(**{**facts, "status": status, **values})


def fits_all(slot: str, job: Job) -> bool:
    return True


def test_the_running_task_and_those_before_count(model):
    running = Busy("cpu", a_task(1, Status.PROCESSING, step=4), 100.0)
    waiting, etas = (a_task(2), a_task(3)), QueueEtas(model, fits_all)

    def look(task: TaskRecord, now: float = 101.0) -> tuple[int | None, float | None]:
        return etas.position_and_eta(task, waiting, [running], ("cpu",), now)

    assert look(running.task) == (None, pytest.approx(5.0))
    assert look(running.task, 200.0) == (None, 0.0)
    assert look(waiting[0]) == (0, pytest.approx(15.0))
    assert look(waiting[1]) == (1, pytest.approx(25.0))
    assert look(waiting[0], 200.0) == (0, pytest.approx(10.0))  # what runs takes longer than it was thought to
    assert look(a_task(5)) == (None, None)


def test_one_unknown_task_before_makes_the_end_unknown(model):
    unknown, known = a_task(1, job=a_job(model="other")), a_task(2)
    assert QueueEtas(model, fits_all).position_and_eta(known, (unknown, known), [], ("cpu",), 0.0) == (1, None)


@pytest.mark.parametrize(
    ("heard_ago_s", "ends"),
    [([], [10, 10, 20, 20]), ([6], [10, 14, 20, 24]), ([6, 0], [14, 20, 24, 30])],
    ids=["idle", "one busy", "both busy"],
)
def test_several_slots_share_the_queue(model, heard_ago_s, ends):
    """A task that has just begun takes ten seconds more; heard of six seconds ago, four."""
    now, waiting, etas = 50.0, tuple(a_task(number) for number in range(4)), QueueEtas(model, fits_all)
    running = [Busy("ab"[n], a_task(90 + n, Status.PROCESSING), now - ago_s) for n, ago_s in enumerate(heard_ago_s)]
    assert [etas.position_and_eta(task, waiting, running, ("a", "b"), now)[1] for task in waiting] == pytest.approx(
        ends
    )


def test_a_queue_that_does_not_change_is_added_up_once(model):
    waiting, etas = tuple(a_task(number) for number in range(50)), QueueEtas(model, fits_all)

    def last() -> tuple[int | None, float | None]:
        return etas.position_and_eta(waiting[-1], waiting, [], ("cpu",), 0.0)

    assert [last() for _ in range(10)] == [(49, pytest.approx(500.0))] * 10
    assert model.asked == 50

    model.learn(a_job(), denoise_s=80.0, around_s=2.0)
    assert last()[1] > 501
    waiting = waiting[1:]
    assert last()[0] == 48
    assert model.asked == 149


# -- several kinds of slots -------------------------------------------------------------------------------------------


def fits_its_kind(slot: str, job: Job) -> bool:
    return (slot == "cpu") != job.use_gpu


def test_a_task_is_foretold_in_a_lane_that_it_fits(model):
    model.learn(a_job(use_gpu=True), denoise_s=80.0, around_s=20.0)
    cards = [a_task(number, job=a_job(use_gpu=True)) for number in range(3)]
    waiting, etas = (cards[1], a_task(7), cards[2]), QueueEtas(model, fits_its_kind)
    running = [Busy("cuda", cards[0], 0.0)]
    found = [etas.position_and_eta(task, waiting, running, ("cuda", "cpu"), 0.0) for task in waiting]
    assert found == [(0, pytest.approx(200.0)), (1, pytest.approx(10.0)), (2, pytest.approx(300.0))]


def test_no_end_is_foretold_for_what_fits_no_slot(model):
    stuck, goes = a_task(1, job=a_job(use_gpu=True)), a_task(2)
    etas = QueueEtas(model, fits_its_kind)
    found = [etas.position_and_eta(task, (stuck, goes), [], ("cpu",), 0.0) for task in (stuck, goes)]
    assert found == [(0, None), (1, pytest.approx(10.0))]


def test_while_a_model_is_loaded_the_seconds_do_not_run(model):
    running, waiting, etas = Busy("cpu", a_task(1, Status.PROCESSING), None), (a_task(2),), QueueEtas(model, fits_all)
    for now in (0.0, 5.0, 60.0):
        found = [etas.position_and_eta(task, waiting, [running], ("cpu",), now)[1] for task in (running.task, *waiting)]
        assert found == pytest.approx([10.0, 20.0])
