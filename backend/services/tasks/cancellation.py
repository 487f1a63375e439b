"""Why and when a running task has to end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from backend.services.errors import StudioError, TimedOut


class Cancellation:
    """The reason for which a running task ends before its next step, once there is one; thread-safe."""

    def __init__(self, timeout_s: float, monotonic: Callable[[], float]) -> None:
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._deadline = monotonic() + timeout_s
        self._lock = threading.Lock()
        self.reason: StudioError | None = None

    def request(self, reason: StudioError) -> None:
        """Asks for the end; the first reason counts."""
        with self._lock:
            self.reason = self.reason or reason

    def requested(self) -> bool:
        """Tells whether the task has to end, be it for its time."""
        if self.reason is None and self._monotonic() > self._deadline:
            self.request(
                TimedOut(
                    f"The task ran longer than the limit of {self._timeout_s:g} s. Try a smaller size or fewer steps."
                )
            )
        return self.reason is not None
