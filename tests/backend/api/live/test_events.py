from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from backend.api.live.events import stream_status
from backend.api.presenters import present_task
from backend.models.schemas import Status, TaskStatus
from backend.services.errors import UnknownTask
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.watchers import Watchers
from tests.backend.fakes import Ticking, a_request

TASK = TaskRecord(id="1" * 32, request=a_request(), created_at=Ticking()())


def status(value: Status) -> TaskStatus:
    return present_task(TASK.model_copy(update={"status": value}), None, None, "/api")


def forgotten() -> TaskStatus:
    raise UnknownTask


@pytest.mark.parametrize(
    "ends", [lambda: status(Status.COMPLETED), forgotten, None], ids=["ended", "forgotten", "left by its client"]
)
def test_a_stream_that_is_over_leaves_nobody_who_watches(ends: Callable[[], TaskStatus] | None):
    watchers, looks = Watchers(), iter([lambda: status(Status.PENDING)] * 2)

    async def listen() -> list[int]:
        response = await stream_status(
            lambda: next(looks, ends or forgotten)(), watchers.add, lambda: False, last_id=None
        )
        events = response.body_iterator
        await anext(events)
        during = len(watchers._callbacks)
        if ends is None:
            await events.aclose()
        else:
            watchers.notify()
            _ = [event async for event in events]
        return [during, len(watchers._callbacks)]

    assert asyncio.run(listen()) == [1, 0]
