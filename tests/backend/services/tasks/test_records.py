from __future__ import annotations

import pytest

from backend.models.schemas import Status
from backend.services.tasks.records import TaskRecord, with_finished, without_oldest
from tests.backend.fakes import a_job, a_request


def tasks(names: str, status: Status = Status.COMPLETED) -> dict[str, TaskRecord]:
    """One task a word, in the order of their ends; its first letter is the client."""
    return {
        name: TaskRecord.model_construct(id=name, client=name[0], status=status, request=a_request())
        for name in names.split()
    }


@pytest.mark.parametrize(
    ("known", "kept", "left"),
    [
        ("", 3, ""),
        ("a1 a2 a3 a4", 3, "a2 a3 a4"),
        ("a1 b1 b2 b3", 3, "a1 b2 b3"),  # the one of another client is older, and stays
        ("a1 b1 b2 b3 b4 b5", 2, "a1 b5"),
        ("a1 b1 c1 d1", 3, "b1 c1 d1"),  # many clients drive out the oldest of all
        ("a1 a2 b1 b2", 3, "a2 b1 b2"),
    ],
)
def test_the_oldest_of_whoever_has_most_is_forgotten(known, kept, left):
    assert " ".join(without_oldest(tasks(known), kept)) == left


def test_what_has_not_ended_is_never_forgotten():
    waiting = tasks("a1 a2 a3", Status.PENDING)
    assert list(without_oldest({**waiting, **tasks("b1 b2")}, 1)) == ["a1", "a2", "a3", "b2"]


def test_what_ends_stands_last():
    known = tasks("a1 a2 a3")
    assert list(with_finished(known, known["a1"])) == ["a2", "a3", "a1"]


@pytest.mark.parametrize(
    ("values", "steps"),
    [
        ({}, 9),
        ({"init_image": "0" * 64, "strength": 0.5}, 5),
        ({"init_image": "0" * 64, "strength": 0.5, "upscale": {"width": 448, "height": 448}}, 17),
    ],
)
def test_steps_are_the_forwards_and_the_image_on_the_disk(values, steps):
    task = TaskRecord.model_construct(request=a_request(), job=a_job(**values), images=(), step=0)
    assert (task.steps, task.total_steps) == (steps, steps)
