"""A task in a slot: everything about it that is gone when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field

from backend.services.errors import StudioError
from backend.services.generation.events import Partial
from backend.services.generation.job import Job
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks.cancellation import Cancellation


@dataclass
class Running:
    """Changed by the thread of its slot alone; what others read of it, it changes under the queue's lock."""

    task_id: str
    job: Job
    slot: str
    cancellation: Cancellation
    heard_at: float
    """When it was heard of last, by the queue's clock."""
    lap_at: float
    """When its present phase began, by the same clock."""
    is_loaded: bool = False
    """Whether its model is in memory; how long loading takes is not foretold."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of the phases of the image that is being drawn."""
    is_saving_last: bool = False
    """Whether all is drawn, so that there is nothing to cancel any more."""
    failure: StudioError | None = None
    preview: PreviewPixels | None = None
    partials: tuple[Partial, ...] = ()
    """Of the image that is being drawn."""

    def ends(self) -> bool:
        """Tells whether no further step shall be run."""
        return self.failure is not None or (not self.is_saving_last and self.cancellation.requested())

    def end_phase(self, phase: str) -> float:
        """Notes that a phase has ended when the task was heard of last; returns its seconds."""
        seconds = self.phases[phase] = round(self.heard_at - self.lap_at, 4)
        self.lap_at = self.heard_at
        return seconds
