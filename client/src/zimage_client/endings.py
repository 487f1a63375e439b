"""How a wait ends."""

from __future__ import annotations

import time

from zimage_client.errors import TaskCancelled, TaskFailed, WaitTimeout
from zimage_client.types import Task

_LEAST_S = 0.001


class Deadline:
    """Moment until which to wait; None is for ever."""

    def __init__(self, timeout_s: float | None) -> None:
        self._timeout_s = timeout_s
        self._end = None if timeout_s is None else time.monotonic() + timeout_s

    @property
    def passed(self) -> bool:
        """Whether it is over."""
        return self._end is not None and time.monotonic() >= self._end

    def cut(self, wait_s: float) -> float:
        """Shortens a wait to what is left."""
        return wait_s if self._end is None else min(wait_s, max(_LEAST_S, self._end - time.monotonic()))

    def ended(self, task: Task | None) -> Task:
        """Returns the task if it has ended.

        Raises:
            WaitTimeout: It has not.
        """
        if task is None or not task.is_final:
            raise WaitTimeout(f"The task has not ended within {self._timeout_s or 0:g} s; it goes on.")
        return task


def check_completed(task: Task) -> Task:
    """Returns a task that is completed.

    Raises:
        TaskNotCompleted: It has ended otherwise.
    """
    if task.status == "cancelled":
        raise TaskCancelled(task)
    if task.status != "completed":
        raise TaskFailed(task)
    return task
