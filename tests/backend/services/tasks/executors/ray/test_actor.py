"""The actor by itself: it knows nothing of Ray."""

from __future__ import annotations

import threading

import pytest

from backend.services.generation.events import Drawn, Ended, Step
from backend.services.tasks.executors.ray.actor import Actor
from backend.services.tasks.executors.ray.facts import unpack_facts
from backend.services.tasks.executors.ray.wire import pack_image, unpack
from tests.backend.fakes import PATIENCE_S, PLAIN_CPU, a_job, colour_of, wait_until
from tests.backend.services.tasks.executors.ray.workshops import Sleeping


def draw(actor: Actor, key: str = "1", prompt: str = "a red apple", images=None, **values):
    return [unpack(event) for event in actor.draw(key, a_job(prompt, **values).model_dump_json(), images or {})]


def test_a_job_is_drawn_event_by_event():
    events = draw(Actor(Sleeping), num_images=2)
    assert [event.recipe.seed for event in events if isinstance(event, Drawn)] == [7, 8]
    assert events[-1] == Ended()


def test_images_come_with_the_job():
    image = colour_of("input", 1, 8, 8)
    [drawn] = [event for event in draw(Actor(Sleeping), images={"a": pack_image(image)}) if isinstance(event, Drawn)]
    assert drawn.image.tobytes() == image.tobytes()


def test_the_end_says_why_and_the_next_job_is_drawn():
    actor = Actor(Sleeping)
    assert draw(actor, prompt="large")[-1].code == "out_of_memory"
    end = draw(actor, prompt="bug")[-1]
    assert (end.code, "secret" in end.message) == ("internal_error", False)
    assert draw(actor)[-1] == Ended()


def test_a_cancel_is_heard_at_the_next_step():
    actor, seen = Actor(lambda: Sleeping(0.01)), []
    for packed in actor.draw("1", a_job().model_dump_json(), {}):
        seen.append(unpack(packed))
        if seen[-1] == Step(2, 8):
            actor.cancel("1")
    assert seen[-1] == Ended()
    assert Step(4, 8) not in seen
    assert draw(actor, "2")[-1] == Ended()


def test_a_cancel_of_what_does_not_run_is_nothing():
    actor = Actor(Sleeping)
    actor.cancel("1")
    assert any(isinstance(event, Drawn) for event in draw(actor, "1"))


def test_who_listens_by_asking_hears_the_same():
    actor, heard = Actor(Sleeping), []
    actor.begin("1", a_job().model_dump_json(), {})
    while not heard or heard[-1] != Ended():
        heard += [unpack(event) for event in actor.hear("1", PATIENCE_S)]
    assert [type(event) for event in heard] == [type(event) for event in draw(actor, "2")]


def test_a_question_ends_after_its_time():
    actor = Actor(lambda: Sleeping(PATIENCE_S))
    actor.look()
    actor.begin("1", a_job().model_dump_json(), {})
    wait_until(lambda: len(actor.hear("1", 0.01)) == 0)
    actor.cancel("1")


def test_jobs_and_the_memory_are_one_thread_s_business():
    threads: set[int] = set()

    class Noting(Sleeping):
        def generate(self, job, images, emit, cancelled):
            threads.add(threading.get_ident())

        def unload(self):
            threads.add(threading.get_ident())

    actor = Actor(Noting)
    draw(actor, "1")
    actor.unload()
    draw(actor, "2")
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_it_looks_once_at_what_takes_long():
    made: list[Sleeping] = []

    def make() -> Sleeping:
        made.append(Sleeping())
        return made[-1]

    actor = Actor(make)
    assert made == []
    assert unpack_facts(actor.look()).hardware == PLAIN_CPU
    actor.look()
    draw(actor)
    assert len(made) == 1


def test_a_machine_that_cannot_draw_says_why():
    def broken() -> Sleeping:
        raise RuntimeError("no driver")

    actor = Actor(broken)
    with pytest.raises(RuntimeError, match="no driver"):
        actor.look()
    assert draw(actor)[-1].code == "internal_error"
