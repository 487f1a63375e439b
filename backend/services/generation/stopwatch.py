"""How long the forwards of images take, read off their events."""

from __future__ import annotations

import time
from collections.abc import Callable

from backend.services.generation.events import Emit, JobEvent, Step


class Stopwatch:
    """Passes events on, and notes when the forwards of the newest image began and ended."""

    def __init__(self, emit: Emit, seconds: Callable[[], float] = time.perf_counter) -> None:
        self._emit = emit
        self._seconds = seconds
        self._began = self._ended = 0.0

    def __call__(self, event: JobEvent) -> None:
        """Takes an event in, and passes it on."""
        if isinstance(event, Step) and event.done == 0:
            self._began = self._seconds()
        elif isinstance(event, Step) and event.done == event.total:
            self._ended = self._seconds()
        self._emit(event)

    @property
    def forwards_s(self) -> float:
        """Seconds of the forwards together."""
        return max(0.0, self._ended - self._began)
