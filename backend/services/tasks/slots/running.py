"""A task that runs: everything about it that is gone when it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from backend.models.schemas import ImageRecord
from backend.services.errors import StudioError
from backend.services.generation.events import Partial
from backend.services.generation.job import Job
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks.cancellation import Cancellation


@dataclass(eq=False)
class Part:
    """Images of a task that one slot draws, one after the other.

    Changed by the thread of its slot alone; what others read of it, it changes under the queue's lock.
    """

    slot: str
    job: Job
    index: int
    """Of the image that is being drawn, among those of the task."""
    end: int
    """Index behind the last one of the part."""
    heard_at: float
    """When it was heard of last, by the queue's clock."""
    lap_at: float
    """When its present phase began, by the same clock."""
    n_drawn: int = 0
    step: int = 0
    """Finished steps of the image that is being drawn."""
    is_loaded: bool = False
    """Whether its model is in memory; how long loading takes is not foretold."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of the phases of the image that is being drawn."""
    failure: StudioError | None = None
    is_over: bool = False
    next: Part | None = None
    """What its slot goes on with."""

    @property
    def n_left(self) -> int:
        """How many of its images are not drawn yet."""
        return self.end - self.index

    def end_phase(self, phase: str) -> float:
        """Notes that a phase has ended when the part was heard of last; returns its seconds."""
        seconds = self.phases[phase] = round(self.heard_at - self.lap_at, 4)
        self.lap_at = self.heard_at
        return seconds

    def end_image(self) -> None:
        """Notes that an image is drawn."""
        self.index, self.n_drawn, self.step = self.index + 1, self.n_drawn + 1, 0


class Running:
    """Who draws what of a task; changed under the queue's lock."""

    def __init__(self, task_id: str, job: Job, slot: str, cancellation: Cancellation) -> None:
        self.task_id = task_id
        self.job = job
        self.cancellation = cancellation
        self.home: str | None = slot
        """The slot that goes on with the task while something is left of it; idle ones help it."""
        self.unbegun: list[int] = []
        """Indexes of the images that nobody draws yet, in their order."""
        self.n_left = job.num_images
        """How many images are not drawn yet."""
        self.parts: Mapping[str, Part] = {}
        """By their slots; another mapping after every change: readers hold no lock."""
        self.failure: StudioError | None = None
        self.preview: PreviewPixels | None = None
        self.partials: tuple[Partial, ...] = ()
        """Of the image that is being drawn; a task that has some is not shared."""

    def resume(self, images: tuple[ImageRecord, ...]) -> None:
        """Leaves out the images that are there."""
        there = {self.job.index_of(image.seed) for image in images}
        self.unbegun = [index for index in range(self.job.num_images) if index not in there]
        self.n_left = len(self.unbegun)

    def begin(self, slot: str, now: float, *, is_shared: bool) -> Part | None:
        """Gives a slot the next image, or all that follow one another when nobody could help; None if none is left."""
        if not self.unbegun:
            return None
        first, end = self.unbegun[0], self.unbegun[0] + 1
        while not is_shared and end in self.unbegun:
            end += 1
        self.unbegun = [index for index in self.unbegun if index >= end]
        part = Part(slot, self.job.part(first, end - first), first, end, heard_at=now, lap_at=now)
        self.parts = {**self.parts, slot: part}
        return part

    def go_on(self, slot: str, now: float, *, is_shared: bool) -> Part | None:
        """Gives a slot that has drawn its part the next one, when the task is at home there or nowhere."""
        if self.ends() or self.home not in (None, slot):
            return None
        part = self.begin(slot, now, is_shared=is_shared)
        self.home = None if part is None else slot
        return part

    def leave(self, part: Part) -> None:
        """Takes out a part that is over."""
        self.parts = {slot: other for slot, other in self.parts.items() if other is not part}
        part.is_over = True

    def put_back(self, part: Part) -> None:
        """Lets others draw what a lost slot has not."""
        self.unbegun = sorted([*self.unbegun, *range(part.index, part.end)])
        if self.home == part.slot:
            self.home = None

    def stop(self, failure: StudioError | None) -> None:
        """Begins nothing more: a part has not ended well, or has ended early."""
        self.failure = self.failure or failure
        self.unbegun = []

    def ends(self) -> bool:
        """Tells whether no further step shall be run."""
        return self.failure is not None or (not self.all_drawn and self.cancellation.requested())

    @property
    def all_drawn(self) -> bool:
        """Whether there is nothing to cancel any more."""
        return self.n_left == 0

    @property
    def lead(self) -> Part | None:
        """The part that draws the first image; its previews are shown."""
        return min((part for part in self.parts.values() if part.n_left), key=lambda part: part.index, default=None)

    def steps_beside(self, part: Part) -> tuple[int, ...]:
        """Returns the finished steps of the images that other slots draw meanwhile."""
        return tuple(other.step for other in self.parts.values() if other is not part and other.n_left)

    @property
    def heard_at(self) -> float | None:
        """When it was heard of last; None while its model is loaded."""
        return max((part.heard_at for part in self.parts.values() if part.is_loaded), default=None)
