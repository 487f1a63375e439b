from __future__ import annotations

import pytest

from backend.models.schemas import GenerateRequest, Status, TaskRecord
from backend.services.tasks.eta import Forecast
from backend.services.tasks.outlook import Foresight, Outlook
from tests.backend.fakes import Ticking, a_request


class CountingForecast(Forecast):
    """Counts how often it is asked."""

    asked = 0

    def seconds(self, request: GenerateRequest, pictures_done: int = 0, forwards_done: int = 0) -> float | None:
        self.asked += 1
        return super().seconds(request, pictures_done, forwards_done)


def a_task(number: int, status: Status = Status.PENDING, **values: object) -> TaskRecord:
    facts = {"id": f"{number:032x}", "request": a_request(num_inference_steps=9), "created_at": Ticking()()}
    return TaskRecord(**{**facts, "status": status, **values})


@pytest.fixture
def forecast() -> CountingForecast:
    """Knows that 256×256 takes a second a forward and two around them."""
    forecast = CountingForecast()
    forecast.learn(a_request(), forwards=8, denoise_s=8.0, around_s=2.0)
    return forecast


def ids(*tasks: TaskRecord) -> tuple[str, ...]:
    return tuple(task.id for task in tasks)


def test_the_running_task_and_those_before_count(forecast):
    running = a_task(1, Status.PROCESSING, step=4)
    waiting = [a_task(2), a_task(3)]
    tasks, foresight = {task.id: task for task in (running, *waiting)}, Foresight(forecast)

    def look(task: TaskRecord, since_s: float = 1.0) -> Outlook:
        return foresight.of(task, tasks, ids(*waiting), running, since_s)

    assert look(running) == Outlook(None, pytest.approx(5.0))
    assert look(running, 100.0) == Outlook(None, 0.0)
    assert look(waiting[0]) == Outlook(0, pytest.approx(15.0))
    assert look(waiting[1]) == Outlook(1, pytest.approx(25.0))
    assert look(a_task(4, Status.COMPLETED)) == Outlook()
    assert look(a_task(5)) == Outlook()


def test_one_unknown_task_before_makes_the_end_unknown(forecast):
    unknown, known = a_task(1, request=a_request(model="other")), a_task(2)
    tasks = {task.id: task for task in (unknown, known)}
    assert Foresight(forecast).of(known, tasks, ids(unknown, known), None, 0.0) == Outlook(1, None)


def test_a_queue_that_does_not_change_is_added_up_once(forecast):
    waiting = [a_task(number) for number in range(50)]
    tasks, order, foresight = {task.id: task for task in waiting}, ids(*waiting), Foresight(forecast)

    def last() -> Outlook:
        return foresight.of(waiting[-1], tasks, order, None, 0.0)

    assert [last() for _ in range(10)] == [Outlook(49, pytest.approx(500.0))] * 10
    assert forecast.asked == 50

    forecast.learn(a_request(), forwards=8, denoise_s=80.0, around_s=2.0)
    assert last().eta_s > 501
    order = order[1:]
    assert last().queue_position == 48
    assert forecast.asked == 149
