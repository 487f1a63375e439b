"""Several pictures in one task."""

from __future__ import annotations

import pytest

from backend.models.recipe import MAX_SEED
from backend.models.schemas import Status
from backend.services.errors import DiskFull, TaskAlreadyFinished
from backend.services.generation.resolve import Resolver
from backend.services.library.catalogue import Catalogue
from tests.backend.fakes import PLAIN_CPU, a_request, wait_until
from tests.backend.services.tasks.managing import end, run_into_pause


def test_the_seeds_count_up_and_every_picture_is_kept(manager, store, engine):
    [task] = end(manager, manager.submit(a_request(num_images=3, seed=40)))

    assert (task.status, task.progress, task.current_step, task.total_steps) == (Status.COMPLETED, 100, 27, 27)
    assert [request.seed for request in engine.requests] == [40, 41, 42]
    assert [image.id for image in task.images] == [f"{n:032x}" for n in (1, 2, 3)]
    assert task.result == task.images[-1]
    assert len(engine.loads) == 1


def test_a_drawn_seed_counts_up_as_well_and_wraps(make, settings, engine, store):
    manager = make(resolver=Resolver(settings, Catalogue(settings), lambda: PLAIN_CPU, draw_seed=lambda: MAX_SEED))
    manager.start()

    end(manager, manager.submit(a_request(num_images=2, seed=None)))

    assert [request.seed for request in engine.requests] == [MAX_SEED, 0]


def test_each_picture_is_there_as_soon_as_it_is_ready(manager, engine):
    looks = []
    engine.watch = lambda step: looks.append(manager.active()[0])

    end(manager, manager.submit(a_request(num_images=2, num_inference_steps=3)))

    assert [(len(look.images), look.step, look.current_step) for look in looks] == [
        (0, 0, 0), (0, 1, 1), (0, 2, 2), (1, 0, 3), (1, 1, 4), (1, 2, 5),
    ]  # fmt: skip
    assert looks[-1].message.startswith("Picture 2 of 2: step 2 of 3")
    assert looks[-1].result is not None


def test_a_cancel_keeps_the_finished_pictures(manager, engine, store):
    pictures = []

    def cancel_in_the_second(step: int) -> None:
        if step == 2 and pictures:
            manager.cancel(manager.active()[0].id)
        if step == 8:
            pictures.append(step)

    engine.watch = cancel_in_the_second
    [task] = end(manager, manager.submit(a_request(num_images=4)))

    assert (task.status, len(task.images), task.error) == (Status.CANCELLED, 1, None)
    assert task.result is not None
    assert len(store.pictures) == 1
    assert len(engine.decoded) == 1


def test_a_cancel_while_a_picture_that_is_not_the_last_is_saved_ends_the_task_after_it(manager, store, monkeypatch):
    add = store.add

    def cancel_then_add(generated, client, door):
        assert manager.cancel(manager.active()[0].id).cancelling
        return add(generated, client, door)

    monkeypatch.setattr(store, "add", cancel_then_add)
    [task] = end(manager, manager.submit(a_request(num_images=3)))

    assert (task.status, len(task.images)) == (Status.CANCELLED, 1)


def test_a_cancel_while_the_last_picture_is_saved_is_refused(manager, store, monkeypatch):
    add, refused = store.add, []

    def cancel_then_add(generated, client, door):
        if len(store.pictures) == 1:
            with pytest.raises(TaskAlreadyFinished):
                manager.cancel(manager.active()[0].id)
            refused.append(generated)
        return add(generated, client, door)

    monkeypatch.setattr(store, "add", cancel_then_add)
    [task] = end(manager, manager.submit(a_request(num_images=2)))

    assert (task.status, len(task.images), len(refused)) == (Status.COMPLETED, 2, 1)


def test_a_failure_keeps_the_finished_pictures_and_says_why(manager, store, monkeypatch):
    add = store.add

    def fail_at_the_second(generated, client, door):
        if store.pictures:
            raise DiskFull("There is no room.")
        return add(generated, client, door)

    monkeypatch.setattr(store, "add", fail_at_the_second)
    [task] = end(manager, manager.submit(a_request(num_images=2)))

    assert (task.status, task.error_code, len(task.images)) == (Status.FAILED, "insufficient_storage", 1)
    assert task.progress < 100


def test_the_timings_of_the_phases_add_up_over_the_pictures(manager):
    [task] = end(manager, manager.submit(a_request(num_images=2)))

    timings = task.timings.model_dump()
    assert set(timings) == {"queued_s", "load_s", "encode_s", "denoise_s", "decode_s", "save_s"}
    assert all(seconds is not None and seconds >= 0 for seconds in timings.values())


def test_the_end_of_a_running_task_is_foretold_after_a_first_one(manager, engine):
    end(manager, manager.submit(a_request()))
    task_id, release = run_into_pause(manager, engine, 3)
    waiting = manager.submit(a_request("waiting"))

    wait_until(lambda: manager.get(task_id).step == 3)
    running, behind = (manager.position_and_eta(manager.get(each))[1] for each in (task_id, waiting))
    release()

    assert running is not None
    assert behind is not None
    assert behind > running >= 0
    [task] = end(manager, task_id)
    assert manager.position_and_eta(task) == (None, None)


@pytest.mark.parametrize("asked", [{"width": 1024, "height": 1024}, {"width": 512, "height": 512, "model": "auto"}])
def test_the_end_is_foretold_by_what_is_drawn_not_by_what_was_asked(manager, engine, settings, asked):
    """A model of one size takes as long for 1024×1024 as for 512×512, and `auto` as long as the model that it means."""
    (settings.base_dir / "Z-Image" / "ckpts" / "zimage-nano" / "zimage.json").write_text('{"sizes": [[256, 256]]}')
    known = {"width": 512, "height": 512, "model": "zimage-nano"}
    end(manager, manager.submit(a_request(**known)))
    running, release = run_into_pause(manager, engine, 2)

    same, other = (manager._etas._model.seconds(manager._resolver.resolve(a_request(**v))) for v in (known, asked))
    waiting = manager.submit(a_request(**asked))
    foretold = manager.position_and_eta(manager.get(waiting))[1]
    release()

    assert same is not None
    assert other == pytest.approx(same)
    assert foretold is not None
    end(manager, running, waiting)
