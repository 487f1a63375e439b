"""How a worker stands: starting, ready, failed for a while, or out. A state machine without a clock of its own."""

from __future__ import annotations

from dataclasses import dataclass

from backend.services.tasks.executors.base import WorkerState

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
MAX_STRIKES = 4
"""Failures in a row, without an image in between, after which a worker is taken out."""


@dataclass
class Standing:
    """Changed by the thread that tends the workers, and by the one whose job has failed."""

    state: WorkerState = "starting"
    note: str = ""
    strikes: int = 0
    retry_at: float = 0.0
    """When it is tried again, by the clock of whoever asks."""

    @property
    def is_out(self) -> bool:
        """Whether it does not come back by itself."""
        return self.state in ("given_up", "refused")

    def join(self) -> None:
        """Notes that it answers, and takes jobs."""
        if not self.is_out:
            self.state, self.note = "ready", ""

    def refuse(self, why: str) -> None:
        """Notes that it is not taken in."""
        self.state, self.note = "refused", why

    def fail(self, why: str, now: float) -> None:
        """Notes a failure; each in a row is waited out for longer."""
        if self.is_out or self.state == "failed":
            return
        self.strikes += 1
        self.state = "given_up" if self.strikes >= MAX_STRIKES else "failed"
        self.note = why
        self.retry_at = now + min(FIRST_PAUSE_S * 2 ** (self.strikes - 1), LONGEST_PAUSE_S)

    def may_try(self, now: float) -> bool:
        """Tells whether it is to be tried again."""
        return self.state == "failed" and now >= self.retry_at

    def retry(self) -> None:
        """Notes that it is tried again."""
        self.state = "starting"

    def draw(self) -> None:
        """Notes an image, which ends the row of failures."""
        self.strikes = 0
