"""What is ahead of a task: its place in the queue, and when it will end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from backend.models.schemas import Status, TaskRecord
from backend.services.tasks.eta import Forecast


@dataclass(frozen=True)
class Outlook:
    """What is ahead of a task: how many run before it, if it waits, and the seconds to its end, if they can be told."""

    queue_position: int | None = None
    eta_s: float | None = None

    def rounded(self) -> Outlook:
        """Returns it as it is shown: nobody waits for a hundredth of a second."""
        return self if self.eta_s is None else Outlook(self.queue_position, round(self.eta_s, 1))


@dataclass(frozen=True)
class Timetable:
    """The turns of the tasks that wait, worked out once for all of them."""

    turns: Mapping[str, tuple[int, float | None]]
    """Id → how many wait before it, and the seconds to the end of its turn from when what runs now has ended."""

    @classmethod
    def of(cls, waiting: Iterable[TaskRecord], forecast: Forecast) -> Timetable:
        """Adds up what waits, in the order of the turns; from the first unknown length on, no end is known."""
        turns: dict[str, tuple[int, float | None]] = {}
        total_s: float | None = 0.0
        for position, task in enumerate(waiting):
            own_s = forecast.seconds(task.request)
            total_s = None if total_s is None or own_s is None else total_s + own_s
            turns[task.id] = (position, total_s)
        return cls(turns)

    def outlook(self, task_id: str, running_left_s: float | None) -> Outlook:
        """Tells what is ahead of a task that waits; nothing of one that does not."""
        if task_id not in self.turns:
            return Outlook()
        position, turn_s = self.turns[task_id]
        return Outlook(position, None if turn_s is None or running_left_s is None else running_left_s + turn_s)


class Foresight:
    """Looks ahead for many who ask: between two changes of the queue, it is added up once."""

    def __init__(self, forecast: Forecast) -> None:
        self._forecast = forecast
        self._known: tuple[tuple[str, ...], int, Timetable] = ((), -1, Timetable({}))

    def of(
        self,
        task: TaskRecord,
        tasks: Mapping[str, TaskRecord],
        order: tuple[str, ...],
        running: TaskRecord | None,
        since_progress_s: float,
    ) -> Outlook:
        """Tells what is ahead of a task.

        Args:
            task: The task in question.
            tasks: All of them.
            order: Ids of those that wait, in the order of their turns; another tuple after every change.
            running: The task that runs now.
            since_progress_s: Seconds since that was last heard of.
        """
        if task.status.is_final:
            return Outlook()
        if task.status is Status.PROCESSING:
            return Outlook(eta_s=self._left_s(task, since_progress_s))
        left_s = 0.0 if running is None else self._left_s(running, since_progress_s)
        return self._timetable(tasks, order).outlook(task.id, left_s)

    def _left_s(self, running: TaskRecord, since_progress_s: float) -> float | None:
        seconds = self._forecast.seconds(running.request, len(running.images), running.step)
        return None if seconds is None else max(0.0, seconds - since_progress_s)

    def _timetable(self, tasks: Mapping[str, TaskRecord], order: tuple[str, ...]) -> Timetable:
        version = self._forecast.version
        known_order, known_version, timetable = self._known
        if known_order is not order or known_version != version:
            timetable = Timetable.of((tasks[task_id] for task_id in order if task_id in tasks), self._forecast)
            self._known = (order, version, timetable)
        return timetable
