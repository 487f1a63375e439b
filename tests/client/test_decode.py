"""Records of JSON."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from zimage_client.decode import Unfit, decode
from zimage_client.types import Estimate, Model, Task

TASK = {"task_id": "a", "status": "processing"}


def test_unknown_fields_are_kept_aside_and_missing_ones_take_their_defaults():
    task = decode(
        Task, {**TASK, "progress": 5, "mood": "good", "images": [{"id": "b", "frame": 1}], "eta_seconds": None}
    )
    assert (task.progress, task.eta_seconds, task.images[0].id, task.num_images) == (5.0, None, "b", 1)
    assert (task.raw["mood"], task.images[0].raw["frame"]) == ("good", 1)
    assert not task.is_final


def test_values_become_what_their_fields_say():
    task = decode(Task, {**TASK, "created_at": "2026-01-02T03:04:05Z", "images": [{"id": "b", "tags": ["x"]}]})
    assert task.created_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert task.images[0].tags == ("x",)
    assert decode(Model, {"id": "m", "sizes": [[1, 2], [3, 4]]}).sizes == ((1, 2), (3, 4))
    estimate = decode(Estimate, {"model": "m", "width": 1, "height": 2, "offer": {"width": 3, "height": 4}})
    assert estimate.offer is not None
    assert estimate.offer.width == 3


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ([], "Task is no object"),
        ({"status": "x"}, "Task.task_id is missing"),
        ({**TASK, "step": True}, "Task.step is no int"),
        ({**TASK, "step": 1.5}, "Task.step is no int"),
        ({**TASK, "images": {}}, "Task.images is no list"),
        ({**TASK, "images": [{"id": 1}]}, r"Task.images\[0\].id is no str"),
        ({**TASK, "created_at": "today"}, "Task.created_at is no moment"),
    ],
)
def test_what_does_not_fit_is_named(value, path):
    with pytest.raises(Unfit, match=path):
        decode(Task, value)


def test_a_pair_has_two_values():
    with pytest.raises(Unfit, match="has 3 values, not 2"):
        decode(Model, {"id": "m", "sizes": [[1, 2, 3]]})
