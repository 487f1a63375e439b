"""The protocol between the queue and whatever runs its jobs."""

from __future__ import annotations

from typing import Protocol

from backend.models.system import Fault
from backend.services.generation.events import Emit, IsCancelled
from backend.services.generation.job import Job


class Executor(Protocol):
    """Slots, each of which runs one job at a time."""

    def prepare(self) -> tuple[str, ...]:
        """Does once what need not wait for the first job; returns the names of the slots, at least one.

        Takes seconds: it imports what is slow to import and looks at the hardware.
        """

    def fits(self, slot: str, job: Job) -> bool:
        """Tells whether a job may run in a slot now; none does in one whose device is given up."""

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Runs a job on the thread that calls it and emits its events, `Ended` last; never raises."""

    def unload(self, slot: str) -> None:
        """Frees the memory that a model takes in a slot, on the thread that runs its jobs; never raises."""

    @property
    def healthy(self) -> bool:
        """Whether no device is at fault."""

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the devices, and what helps."""

    @property
    def loaded_models(self) -> tuple[str, ...]:
        """Ids of the models in memory."""
