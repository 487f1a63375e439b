from __future__ import annotations

from dataclasses import replace

import pytest

from backend.models.recipe import ControlUse
from backend.services.library.catalogue import Catalogue
from backend.services.tasks.executors.ray.facts import Facts
from backend.services.tasks.executors.ray.fitting import Fitting
from tests.backend.fakes import PLAIN_CPU, a_job, a_picture, make_planner, with_cards

FACTS = Facts({}, with_cards("cuda"), frozenset({"zimage-nano"}), frozenset({"lines"}))


@pytest.fixture
def fitting(settings) -> Fitting:
    return Fitting(Catalogue(settings), lambda hardware: make_planner(settings, lambda: hardware))


def test_a_worker_without_the_weights_does_not_fit_and_says_so(fitting):
    assert fitting.fits(FACTS, a_job(use_gpu=True))
    assert fitting.lacks(FACTS) == ""
    bare = replace(FACTS, models=frozenset())
    assert not fitting.fits(bare, a_job(use_gpu=True))
    assert fitting.lacks(bare) == "It lacks zimage-nano."


def test_a_worker_that_fetches_needs_none(fitting):
    fetching = replace(FACTS, models=frozenset(), fetches=True)
    assert fitting.fits(fetching, a_job(use_gpu=True))
    assert fitting.lacks(fetching) == ""


@pytest.mark.parametrize(("name", "fits"), [("lines", True), ("depth", False)])
def test_the_controlnets_of_a_job_must_be_there(fitting, name, fits):
    control = (ControlUse(image="0" * 64, model=name),)
    assert fitting.fits(FACTS, a_job(use_gpu=True, control=control)) is fits


def test_what_an_image_takes_on_a_worker_is_foretold_of_the_next_one(settings):
    planner = make_planner(settings, lambda: PLAIN_CPU)
    catalogue = Catalogue(settings)
    fitting = Fitting(catalogue, lambda _hardware: planner)
    facts, drawn = replace(FACTS, hardware=PLAIN_CPU), a_picture(generation_time_ms=5000)
    model = catalogue.resolve("zimage-nano")
    assert planner.outlook(model, drawn.recipe, use_gpu=False).prediction.next_s is None
    fitting.learn(facts, drawn, forwards_s=4.0)
    assert planner.outlook(model, drawn.recipe, use_gpu=False).prediction.next_s == pytest.approx(5.0)


def test_an_image_of_a_model_that_is_not_here_teaches_nothing(fitting, caplog):
    fitting.learn(FACTS, a_picture(model="gone"), forwards_s=4.0)
    assert "not learned" in caplog.text


def test_each_card_has_a_plan_of_its_own(settings):
    class Pocket:
        def __init__(self, hardware):
            self.gib = hardware.accelerators[0].memory_bytes / 2**30

        def outlook(self, model, recipe, *, use_gpu):
            class Prediction:
                fits = recipe.width <= 64 * self.gib

            class Outlook:
                prediction = Prediction

            return Outlook

    fitting = Fitting(Catalogue(settings), Pocket)
    small, large = (replace(FACTS, hardware=with_cards("cuda", gib=gib)) for gib in (8, 24))
    job = a_job(use_gpu=True, width=1024, height=1024)
    assert [fitting.fits(facts, job) for facts in (small, large, small)] == [False, True, False]
    assert fitting.fits(small, a_job(use_gpu=True, width=512, height=512))


def test_what_another_thread_forgets_meanwhile_is_still_told(fitting):
    """As if it did so between any two looks of this one."""

    class Forgetful(dict):
        def __contains__(self, key: object) -> bool:
            found = super().__contains__(key)
            self.clear()
            return found

        def __setitem__(self, key: object, value: bool) -> None:
            pass

    fitting._known = Forgetful()
    assert fitting.fits(FACTS, a_job(use_gpu=True))


def test_what_cannot_be_foretold_is_tried(settings):
    def broken(hardware):
        raise RuntimeError("no planner")

    fitting = Fitting(Catalogue(settings), broken)
    assert fitting.fits(replace(FACTS, hardware=PLAIN_CPU), a_job())
