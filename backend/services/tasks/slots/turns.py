"""Whose turn it is in an idle slot: keeps what `assign` needs to know, and its answer until something changes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence

from backend.services.generation.job import Job
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.slots.affinity import Batch, Loadout, Turn, assign, help_out
from backend.services.tasks.table import TaskTable

MAX_GONE = 1000
"""Slots that are gone whose drain is remembered."""


class Turns:
    """Used under the table's lock. Whoever only reads `drained` needs none."""

    def __init__(self, table: TaskTable, fits: Callable[[str, Job], bool]) -> None:
        self._table = table
        self._executor_fits = fits
        self._idle: dict[str, None] = {}
        """In the order in which they became so."""
        self._taken: dict[str, None] = {}
        """Slots whose tasks run."""
        self._loadouts: dict[str, Loadout] = {}
        self._passed: dict[str, int] = {}
        self._known: tuple[tuple[TaskRecord, ...], Mapping[str, Turn]] | None = None
        """The waiting tasks, and whose turn it is."""
        self._bells: dict[str, threading.Condition] = {}
        """Each idle slot waits for its own: one for all would wake hundreds for one task."""
        self.batches: Callable[[], Sequence[Batch]] = tuple
        """Returns what runs, under the lock."""
        self.drained: frozenset[str] = frozenset()
        self._gone: dict[str, None] = {}
        """Drained slots that are not there, in the order in which they went."""
        table.on_waiting = self.ring

    def rest(self, slot: str) -> None:
        """Counts a slot as idle, until it leaves; another one may have something else to take then."""
        self._taken.pop(slot, None)
        self._gone.pop(slot, None)
        self._idle.setdefault(slot)
        self.ring()

    def leave(self, slot: str) -> None:
        """Counts a slot as idle no more; when it has not taken what was meant for it, another one may."""
        if slot in self._idle:
            del self._idle[slot]
            self.ring()

    def wait(self, slot: str, timeout_s: float | None) -> None:
        """Waits until there is something for an idle slot to do, at most so long; may return without."""
        self._bells.setdefault(slot, threading.Condition(self._table.lock)).wait(timeout_s)

    def ring(self) -> None:
        """Wakes the slots that have something to take, whatever has changed."""
        self.forget()
        for slot in self._turns():
            if slot in self._bells:
                self._bells[slot].notify_all()

    def ring_all(self) -> None:
        """Wakes all slots: there is something else than a task."""
        self.forget()
        for bell in self._bells.values():
            bell.notify_all()

    def next_for(self, slot: str) -> Turn | None:
        """Returns what an idle slot is to take."""
        return self._turns().get(slot)

    def _turns(self) -> Mapping[str, Turn]:
        waiting = self._table.waiting
        if self._known is None or self._known[0] is not waiting:
            turns = assign(waiting, tuple(self._idle), self._taken, self._loadouts, self._fits, self._passed)
            free = [slot for slot in self._idle if slot not in turns]
            helps = help_out(self.batches(), free, self._loadouts, self._fits) if free else {}
            self._known = (waiting, turns | helps)
        return self._known[1]

    def take(self, slot: str, turn: Turn) -> None:
        """Notes that a slot has taken its task, and whom it has passed over."""
        self._taken[slot] = None
        self._idle.pop(slot, None)
        others = {} if self._known is None else {key: value for key, value in self._known[1].items() if key != slot}
        self._known = (self._table.waiting, others)  # what the others are to take has not changed
        self._passed.pop(turn.task.id, None)
        waiting = {task.id for task in self._table.waiting}
        self._passed = {task_id: times for task_id, times in self._passed.items() if task_id in waiting}
        for task_id in turn.passed:
            self._passed[task_id] = self._passed.get(task_id, 0) + 1

    def load(self, slot: str, job: Job) -> None:
        """Notes what is in a slot's memory now."""
        self._loadouts[slot] = Loadout.of(job)

    def close(self, slot: str) -> None:
        """Forgets a slot that is gone."""
        self._taken.pop(slot, None)
        self._loadouts.pop(slot, None)
        self._bells.pop(slot, None)
        self._remember_drain(slot)
        self.leave(slot)

    def _remember_drain(self, slot: str) -> None:
        """Keeps the drain of a slot that goes, which may come back: the cluster was lost for a while."""
        if slot in self.drained:
            self._gone[slot] = None
        for oldest in list(self._gone)[:-MAX_GONE]:
            del self._gone[oldest]
            self.drained -= {oldest}

    def unload(self, slot: str) -> None:
        """Notes that nothing is known to be in a slot's memory."""
        self._loadouts.pop(slot, None)

    def drain(self, slot: str, *, is_drained: bool) -> None:
        """Lets a slot take nothing more, or take tasks again."""
        self.drained = self.drained | {slot} if is_drained else self.drained - {slot}
        self.ring()

    def forget(self) -> None:
        """Finds out anew whose turn it is: something has changed beside the waiting tasks."""
        self._known = None

    def takes(self, slot: str, job: Job) -> bool:
        """Tells whether a slot would take a job, now or when it is idle; needs no lock."""
        return slot not in self.drained and self._executor_fits(slot, job)

    def _fits(self, slot: str, task: TaskRecord) -> bool:
        return slot not in self.drained and (task.job is None or self._executor_fits(slot, task.job))
