"""Which task an idle slot takes: its turn counts, and what is in the slot's memory. Pure functions.

Loading a model takes longer than most images. So a task goes to the idle slot that has its model, and is passed over
for a while by one that would have to load it when another slot has it and there is something else to do. No slot stays
idle for that, and after `MAX_PASSED` times a task has its turn wherever it fits.

A slot for which nothing waits helps a task that runs, with its next image.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from backend.services.generation.job import Job
from backend.services.tasks.records import TaskRecord

WINDOW = 64
"""Tasks that are put off at once, at most; what fits no slot is none of them, and holds up nothing."""
MAX_PASSED = 4
"""How often a task may be passed over."""

MIN_LEFT = 2
"""Images that must be left of a task for a slot to give up the model in its memory and help."""

_OTHER_MODEL, _NOTHING, _ALL = -1, 0, 2
"""How well a slot suits a task whose model it lacks: better with nothing in memory."""

Fits = Callable[[str, TaskRecord], bool]


@dataclass(frozen=True)
class Loadout:
    """What a slot has in memory."""

    model: str
    loras: frozenset[str] = frozenset()

    @classmethod
    def of(cls, job: Job) -> Loadout:
        """What a job leaves in memory."""
        return cls(job.recipe.model, frozenset(lora.name for lora in job.recipe.loras or ()))

    def match(self, job: Job) -> int:
        """Tells how much of what a job needs is there: nothing, the model, or the LoRAs too."""
        wanted = Loadout.of(job)
        return 0 if wanted.model != self.model else 1 + (wanted.loras <= self.loras)


@dataclass(frozen=True)
class Turn:
    """A task that a slot takes, and the ids of those that it passes over."""

    task: TaskRecord
    passed: tuple[str, ...] = ()


@dataclass
class Batch:
    """A task that runs.

    Attributes:
        task: its record.
        n_left: images that nobody draws yet.
        n_slots: slots that draw it.
    """

    task: TaskRecord
    n_left: int
    n_slots: int


@dataclass
class _Round:
    free: dict[str, None]
    models: set[str]
    """In the memory of the free slots, or more."""
    turns: dict[str, Turn] = field(default_factory=dict)
    put_off: list[TaskRecord] = field(default_factory=list)

    def give(self, slot: str, task: TaskRecord, fits: Fits) -> None:
        passed = tuple(other.id for other in self.put_off if other.id != task.id and fits(slot, other))
        self.turns[slot] = Turn(task, passed)
        del self.free[slot]


def assign(
    waiting: Sequence[TaskRecord],
    idle: Sequence[str],
    busy: Collection[str],
    loadouts: Mapping[str, Loadout],
    fits: Fits,
    passed: Mapping[str, int],
) -> dict[str, Turn]:
    """Returns what each idle slot takes; for one that is not in it nothing waits that fits.

    Args:
        waiting: Tasks in the order of their turns.
        idle: Slots that have nothing to do; of equal ones the first is chosen.
        busy: Slots that will be idle again.
        loadouts: What is in the memory of the slots, as far as it is known.
        fits: Whether a task may run in a slot.
        passed: How often a task was passed over, by its id.
    """
    held = {loadouts[slot].model for slot in busy if slot in loadouts}
    state = _Round(dict.fromkeys(idle), {loadouts[slot].model for slot in idle if slot in loadouts})
    tasks = iter(waiting)
    while state.free and len(state.put_off) < WINDOW and (task := next(tasks, None)) is not None:
        slot, suits = _best(task, state, loadouts, fits)
        if slot is None:
            continue
        is_held = task.job is not None and task.job.recipe.model in held
        if suits > 0 or passed.get(task.id, 0) >= MAX_PASSED or not (is_held or state.put_off):
            state.give(slot, task, fits)
        else:
            state.put_off.append(task)
    for task in itertools.chain(state.put_off, tasks):  # no slot rests while something fits it
        if not state.free:
            break
        slot, _ = _best(task, state, loadouts, fits)
        if slot is not None:
            state.turns[slot] = Turn(task)
            del state.free[slot]
    return state.turns


def help_out(
    batches: Sequence[Batch], idle: Sequence[str], loadouts: Mapping[str, Loadout], fits: Fits
) -> dict[str, Turn]:
    """Returns which running task each idle slot helps with an image; clients with fewer slots come first.

    Args:
        batches: All that runs, in the order of the starts.
        idle: Slots for which nothing waits.
        loadouts: What is in the memory of the slots, as far as it is known.
        fits: Whether a task may run in a slot.
    """
    in_use = Counter[str]()
    for batch in batches:
        in_use[batch.task.client] += batch.n_slots
    state = _Round(dict.fromkeys(idle), {loadouts[slot].model for slot in idle if slot in loadouts})
    left = {number: batch.n_left for number, batch in enumerate(batches) if batch.n_left}
    while state.free and left:
        number = min(left, key=lambda number: (in_use[batches[number].task.client], number))
        task = batches[number].task
        slot, suits = _best(task, state, loadouts, fits)
        if slot is None or (suits == _OTHER_MODEL and left[number] < MIN_LEFT):
            del left[number]
            continue
        state.give(slot, task, fits)
        in_use[task.client] += 1
        left[number] -= 1
        if not left[number]:
            del left[number]
    return state.turns


def _best(task: TaskRecord, state: _Round, loadouts: Mapping[str, Loadout], fits: Fits) -> tuple[str | None, int]:
    """Returns the slot that suits a task best, and how well; above 0 it has the model."""
    found: tuple[str | None, int] = (None, _OTHER_MODEL - 1)
    most = _ALL if task.job is not None and task.job.recipe.model in state.models else _NOTHING
    for slot in state.free:
        suits = _suits(task, loadouts.get(slot))
        if suits > found[1] and fits(slot, task):
            found = (slot, suits)
            if suits >= most:  # no other can be better, and there may be hundreds
                break
    return found


def _suits(task: TaskRecord, loadout: Loadout | None) -> int:
    if loadout is None or task.job is None:
        return _NOTHING
    return loadout.match(task.job) or _OTHER_MODEL
