"""The protocol between the queue and whatever runs its jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from backend.models.system import Fault
from backend.services.generation.events import Emit, IsCancelled
from backend.services.generation.job import Job

WorkerState = Literal["ready", "starting", "failed", "given_up", "refused"]
"""`failed` comes back by itself, `given_up` does not; `refused` was never taken in, and says why."""
OnSlots = Callable[[tuple[str, ...]], None]
"""Is told all slots that there are now, or that jobs may fit where they did not; on any thread."""


@dataclass(frozen=True)
class Worker:
    """What stands behind a slot.

    Attributes:
        slot: its name, and the worker's.
        node: the machine that it is on.
        device: as torch names it there.
        card: what the card is called; empty where nobody tells.
        memory_bytes: of the card, or of the machine where there is none; 0 while unknown.
        state: whether it takes jobs.
        model: id of the model in its memory.
        note: what is wrong, or what it lacks.
    """

    slot: str
    node: str
    device: str
    card: str = ""
    memory_bytes: int = 0
    state: WorkerState = "ready"
    model: str | None = None
    note: str = ""


class Executor(Protocol):
    """Slots, each of which runs one job at a time.

    Attributes:
        is_elastic: whether slots come and go after `prepare`.
    """

    is_elastic: bool

    def prepare(self) -> tuple[str, ...]:
        """Does once what need not wait for the first job; returns the names of the slots, none if none is here yet.

        Takes seconds: it imports what is slow to import and looks at the hardware.
        """

    def watch(self, on_slots: OnSlots) -> None:
        """Tells of every change of the slots from now on; called once, after `prepare`."""

    def fits(self, slot: str, job: Job) -> bool:
        """Tells whether a job may run in a slot now; none does in one whose device is given up."""

    def run(self, slot: str, job: Job, emit: Emit, cancelled: IsCancelled) -> None:
        """Runs a job on the thread that calls it and emits its events, `Ended` last; never raises."""

    def unload(self, slot: str) -> None:
        """Frees the memory that a model takes in a slot, on the thread that runs its jobs; never raises."""

    def workers(self) -> tuple[Worker, ...]:
        """Returns what stands behind the slots, and what is here and is none."""

    def close(self) -> None:
        """Ends what it has started; jobs have ended before."""

    @property
    def healthy(self) -> bool:
        """Whether no device is at fault."""

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the devices, and what helps."""

    @property
    def loaded_models(self) -> tuple[str, ...]:
        """Ids of the models in memory."""
