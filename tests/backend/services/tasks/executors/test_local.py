from __future__ import annotations

import threading

import pytest
from PIL import Image

from backend.services.errors import OutOfMemory, UnknownDevice
from backend.services.generation.events import Drawn, Ended, JobEvent
from backend.services.generation.inputs import NO_INPUTS, Inputs
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.local import LocalExecutor
from tests.backend.fakes import PATIENCE_S, PLAIN_CPU, FakeEngine, a_job, make_planner, with_cards
from tests.backend.services.tasks.executors.contract import CHECKS


@pytest.fixture
def make(settings):
    """Builds executors; `engines` of each are in the order of its slots."""

    def make(hardware=PLAIN_CPU, devices: tuple[str, ...] = ()) -> LocalExecutor:
        own = settings.model_copy(update={"devices": devices})
        engines: list[FakeEngine] = []

        def make_engine() -> FakeEngine:
            engines.append(FakeEngine())
            return engines[-1]

        executor = LocalExecutor(
            own, Catalogue(own), make_engine, lambda: hardware, make_planner(own, lambda: hardware)
        )
        executor.engines = engines
        return executor

    return make


class Obeying(FakeEngine):
    """Fails as its prompts say."""

    def generate(self, recipe, emit, cancelled, inputs=NO_INPUTS, partial_images=0):
        if recipe.prompt == "large":
            raise OutOfMemory("It does not fit.")
        if recipe.prompt == "bug":
            raise ZeroDivisionError("a secret path")
        return super().generate(recipe, emit, cancelled, inputs, partial_images)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_does_what_every_executor_does(settings, check):
    planner = make_planner(settings, lambda: PLAIN_CPU)
    executor = LocalExecutor(settings, Catalogue(settings), Obeying, lambda: PLAIN_CPU, planner)
    check(executor, executor.prepare()[0])
    executor.close()


def run(executor: LocalExecutor, slot: str, **values: object) -> list[JobEvent]:
    events: list[JobEvent] = []
    executor.run(slot, a_job(**values), events.append, lambda: False)
    return events


@pytest.mark.parametrize(
    ("hardware", "devices", "slots"),
    [
        (PLAIN_CPU, (), ("cpu",)),
        (with_cards("cuda:0", "cuda:1"), (), ("cuda:0",)),
        (with_cards("cuda:0", "cuda:1"), ("auto",), ("cuda:0", "cuda:1")),
    ],
)
def test_each_device_is_a_slot_with_an_engine_of_its_own(make, hardware, devices, slots):
    executor = make(hardware, devices)
    assert executor.engines == []
    assert executor.prepare() == executor.prepare() == slots
    assert len(executor.engines) == len(slots)


def test_the_images_of_a_job_are_read_for_its_engine(settings):
    inputs, engine = Inputs({"0" * 64: Image.new("RGB", (4, 4))}), FakeEngine()
    executor = LocalExecutor(
        settings, Catalogue(settings), lambda: engine, lambda: PLAIN_CPU,
        make_planner(settings, lambda: PLAIN_CPU), read_inputs=lambda _recipe: inputs,
    )  # fmt: skip
    executor.prepare()
    assert run(executor, "cpu", init_image="0" * 64)[-1] == Ended()
    assert engine.inputs == [inputs]


def test_a_job_runs_on_the_device_of_its_slot(make):
    executor = make(with_cards("cuda:0", "cuda:1"), ("auto",))
    executor.prepare()
    assert [run(executor, slot, use_gpu=True)[-2].device for slot in ("cuda:1", "cuda:0")] == ["cuda:1", "cuda:0"]
    assert [[plan.device for _, plan in engine.loads] for engine in executor.engines] == [["cuda:0"], ["cuda:1"]]
    assert executor.loaded_models == ("zimage-nano",)


def test_cards_and_processor_have_jobs_of_their_own(make):
    executor = make(with_cards(), ("cuda", "cpu"))
    assert [executor.fits(slot, a_job(use_gpu=True)) for slot in executor.prepare()] == [True, False]
    assert [executor.fits(slot, a_job(use_gpu=False)) for slot in executor.prepare()] == [False, True]


def test_cards_alone_draw_on_the_processor_as_well(make):
    executor = make(with_cards("cuda:0", "cuda:1"), ("auto",))
    assert [executor.fits(slot, a_job(use_gpu=False)) for slot in executor.prepare()] == [True, True]


def test_a_job_of_a_card_that_is_gone_runs_on_the_processor(make):
    """A queue that waited over a restart, on a machine that had a card before."""
    executor = make()
    assert [executor.fits(slot, a_job(use_gpu=True)) for slot in executor.prepare()] == [True]
    assert run(executor, "cpu", use_gpu=True)[-2].device == "cpu"


def test_the_end_comes_last_and_says_why(make):
    executor = make()
    assert run(executor, "cpu")[-1] == Ended()
    executor.engines[0].errors[1] = OutOfMemory("It does not fit.")
    [*events, end] = run(executor, "cpu")
    assert not any(isinstance(event, Drawn) for event in events)
    assert end.code == "out_of_memory"
    executor.engines[0].errors[1] = RuntimeError("a secret path")
    assert run(executor, "cpu")[-1].code == "internal_error"
    assert "secret" not in run(executor, "cpu")[-1].message


def test_a_device_that_is_not_here_is_said_with_the_job(make):
    executor = make(PLAIN_CPU, ("cuda:3",))
    with pytest.raises(UnknownDevice):
        executor.prepare()
    [end] = run(executor, "unprepared")
    assert end.code == "unknown_device"
    assert "cuda:3" in end.message


def test_one_sick_device_makes_the_executor_unhealthy(make):
    executor = make(with_cards("cuda:0", "cuda:1"), ("auto",))
    executor.prepare()
    assert executor.healthy
    executor.engines[1].errors[1] = RuntimeError("CUDA error: an illegal memory access was encountered")
    assert run(executor, "cuda:1", use_gpu=True)[-1].code == "device_error"
    assert not executor.healthy
    assert executor.fault.code == "device_failed"
    assert "loaded anew" in executor.fault.message
    run(executor, "cuda:1", use_gpu=True)
    assert (executor.healthy, executor.fault) == (True, None)


@pytest.mark.parametrize("cards", [(), ("cuda:0", "cuda:1")])
def test_a_slot_that_fails_twice_in_a_row_takes_nothing_more(make, cards):
    executor = make(with_cards(*cards) if cards else PLAIN_CPU, ("auto",))
    *_, last = slots = executor.prepare()
    job = a_job(use_gpu=bool(cards))
    for _ in range(2):
        assert executor.fits(last, job)
        executor.engines[-1].errors[1] = RuntimeError("CUDA error: an illegal memory access was encountered")
        run(executor, last, use_gpu=bool(cards))

    assert [executor.fits(slot, job) for slot in slots] == [True] * (len(slots) - 1) + [False]
    assert executor.fault.code == "device_given_up"
    assert last in executor.fault.message
    assert "restart" in executor.fault.message


def test_models_are_loaded_one_at_a_time(make):
    """Libraries set defaults of the whole process while they load."""
    executor = make(with_cards("cuda:0", "cuda:1"), ("auto",))
    executor.prepare()
    executor.unload("cuda:0")  # what was loaded while nobody waited
    first, second = executor.engines
    loading, go, told = threading.Event(), threading.Event(), threading.Event()

    def load_slowly(*_: object) -> None:
        loading.set()
        assert go.wait(PATIENCE_S)

    first.load = load_slowly
    jobs = [
        threading.Thread(target=executor.run, args=(slot, a_job(use_gpu=True), emit, lambda: False))
        for slot, emit in (("cuda:0", lambda _: None), ("cuda:1", lambda _: told.set()))
    ]
    jobs[0].start()
    assert loading.wait(PATIENCE_S)
    jobs[1].start()
    assert told.wait(PATIENCE_S)  # that it is about to load
    jobs[1].join(0.05)
    assert second.loads == []
    go.set()
    for job in jobs:
        job.join(PATIENCE_S)
    assert len(second.loads) == 1
