"""Why and when a running task has to end."""

from __future__ import annotations

from collections.abc import Callable

from backend.services.errors import Stopped, TimedOut


class StopSignal:
    """Why the running task has to end, if it has to."""

    def __init__(self, deadline: float, monotonic: Callable[[], float], timeout_s: float) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._reason: Stopped | None = None

    def stop(self, reason: Stopped) -> None:
        """Asks for an end; the first reason counts."""
        self._reason = self._reason or reason

    def check(self) -> None:
        """Raises the reason when there is one."""
        if self._reason is not None:
            raise self._reason
        if self._monotonic() > self._deadline:
            raise TimedOut(
                f"The task ran longer than the limit of {self._timeout_s:g} s. Try a smaller size or fewer steps."
            )
