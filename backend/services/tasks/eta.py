"""How long tasks will take, learned from the jobs that were drawn."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from backend.services.generation.job import Job
from backend.services.tasks.records import TaskRecord

_WEIGHT = 0.3
"""Share of the newest observation in the running mean."""
_KEPT = 64
_KEPT_GUESSES = 16
_IDLE = float("-inf")
_UNKNOWN = float("inf")


class EtaModel:
    """Running means of the seconds a forward, and of those around the forwards of one image; thread-safe."""

    @dataclass(frozen=True)
    class _Kind:
        """What decides how long a forward takes."""

        model: str
        use_gpu: bool
        area_px: int
        is_guided: bool
        """Guidance doubles the work."""

        @classmethod
        def of(cls, job: Job) -> EtaModel._Kind:
            recipe = job.recipe
            return cls(recipe.model, job.use_gpu, recipe.width * recipe.height, recipe.guidance_scale > 0)

    class _Pace(NamedTuple):
        forward_s: float
        around_s: float

        def scaled(self, factor: float) -> EtaModel._Pace:
            return EtaModel._Pace(self.forward_s * factor, self.around_s * factor)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._paces: dict[EtaModel._Kind, EtaModel._Pace] = {}
        self._guesses: dict[EtaModel._Kind, EtaModel._Pace] = {}
        self.version = 0
        """Grows whenever an answer may have changed."""

    def guess(self, job: Job, forwards: int, denoise_s: float) -> None:
        """Takes in the first forwards of an image; counts until a whole image of its kind is known."""
        with self._lock:
            kind = self._Kind.of(job)
            if kind in self._paces:
                return
            self._guesses.pop(kind, None)  # the latest stands last
            self._guesses[kind] = self._Pace(denoise_s / forwards, 0.0)
            if len(self._guesses) > _KEPT_GUESSES:
                del self._guesses[next(iter(self._guesses))]
            self.version += 1

    def learn(self, job: Job, denoise_s: float, around_s: float) -> None:
        """Takes in how long an image took: its forwards together, and everything else but loading."""
        recipe = job.recipe
        kind, seen = self._Kind.of(job), self._Pace(denoise_s / recipe.forwards, around_s / recipe.draws)
        with self._lock:
            self._guesses.pop(kind, None)
            known = self._paces.pop(kind, seen)  # the latest stands last
            self._paces[kind] = self._Pace(
                *(before + _WEIGHT * (now - before) for before, now in zip(known, seen, strict=True))
            )
            if len(self._paces) > _KEPT:
                del self._paces[next(iter(self._paces))]
            self.version += 1

    def seconds(self, job: Job | None, images_done: int = 0, forwards_done: int = 0) -> float | None:
        """Returns the seconds that are left of a job; None when nothing like it has run."""
        if job is None:
            return None
        with self._lock:
            pace = self._pace(self._Kind.of(job))
        if pace is None:
            return None
        images = job.num_images - images_done
        forwards = images * job.recipe.forwards - forwards_done
        return max(0, forwards) * pace.forward_s + max(0, images) * job.recipe.draws * pace.around_s

    def _pace(self, kind: _Kind) -> _Pace | None:
        if kind in self._paces:
            return self._paces[kind]
        for known in reversed(self._paces):  # another size: time goes with the area
            if replace(known, area_px=kind.area_px) == kind:
                return self._paces[known].scaled(kind.area_px / known.area_px)
        return self._guesses.get(kind)


class Busy(NamedTuple):
    """A slot and what runs there."""

    slot: str
    task: TaskRecord
    heard_at: float | None
    """When it was heard of last, by the clock; None while its model is loaded: its seconds begin only then."""
    n_slots: int = 1
    """That share it."""


class QueueEtas:
    """Caches the ETAs of a queue until it changes."""

    @dataclass(frozen=True)
    class _Turn:
        """A waiting task runs after others in the lane of a slot."""

        position: int
        base_end: float
        """When what runs in that slot now will end, by the clock."""
        offset_s: float | None
        """From then to the end of this task."""

    @dataclass(frozen=True)
    class _Lane:
        free_at: float
        base_end: float
        offset_s: float | None = 0.0

    def __init__(self, model: EtaModel, fits: Callable[[str, Job], bool]) -> None:
        self._model = model
        self._fits = fits
        self._known: tuple[tuple[object, ...], Mapping[str, QueueEtas._Turn]] = ((), {})

    def position_and_eta(
        self,
        task: TaskRecord,
        waiting: Sequence[TaskRecord],
        running: Sequence[Busy],
        slots: Sequence[str],
        now: float,
    ) -> tuple[int | None, float | None]:
        """Returns how many tasks run before one that waits, and the seconds to its end; None where not known.

        Args:
            task: The task in question.
            waiting: Those that wait, in the order of their turns.
            running: What runs now.
            slots: Where tasks run, one at a time in each.
            now: The time, by the same clock.
        """
        for busy in running:
            if busy.task.id == task.id:
                left_s = self._left(busy)
                return None, None if left_s is None else max(
                    0.0, (now if busy.heard_at is None else busy.heard_at) + left_s - now
                )
        turn = self._turns_of(waiting, running, slots, now).get(task.id)
        if turn is None:
            return None, None
        if turn.offset_s is None or turn.base_end == _UNKNOWN:
            return turn.position, None
        return turn.position, max(0.0, turn.base_end - now) + turn.offset_s

    def _left(self, busy: Busy) -> float | None:
        left_s = self._model.seconds(busy.task.job, len(busy.task.images), busy.task.step)
        return None if left_s is None else left_s / busy.n_slots

    def _turns_of(
        self, waiting: Sequence[TaskRecord], running: Sequence[Busy], slots: Sequence[str], now: float
    ) -> Mapping[str, _Turn]:
        busy = ((_Same(each.task), each.slot, each.heard_at) for each in running)
        key = (_Same(waiting), self._model.version, tuple(slots), *busy)
        known, turns = self._known
        if key != known:
            turns = self._add_up(waiting, running, slots, now)
            self._known = (key, turns)  # at once: several threads ask
        return turns

    def _add_up(
        self, waiting: Sequence[TaskRecord], running: Sequence[Busy], slots: Sequence[str], now: float
    ) -> Mapping[str, _Turn]:
        """Gives each waiting task to the slot that is free first of those that it fits.

        Behind an unknown length no end is known, and none for what fits no slot.
        """
        lanes = {slot: self._Lane(now, _IDLE) for slot in slots}
        lanes |= {busy.slot: self._busy_lane(busy, now) for busy in running}
        turns = {}
        names = list(lanes)
        free = [(lane.free_at, number) for number, lane in enumerate(lanes.values())]
        heapq.heapify(free)  # of hundreds of slots the first one fits nearly always
        for position, task in enumerate(waiting):
            number = self._pop_fitting(free, names, task)
            if number is None:
                turns[task.id] = self._Turn(position, _UNKNOWN, None)
                continue
            slot = names[number]
            lane, own_s = lanes[slot], self._model.seconds(task.job, len(task.images))
            offset_s = None if lane.offset_s is None or own_s is None else lane.offset_s + own_s
            turns[task.id] = self._Turn(position, lane.base_end, offset_s)
            free_at = _UNKNOWN if own_s is None else lane.free_at + own_s
            lanes[slot] = self._Lane(free_at, lane.base_end, offset_s)
            heapq.heappush(free, (free_at, number))
        return turns

    def _pop_fitting(self, free: list[tuple[float, int]], names: Sequence[str], task: TaskRecord) -> int | None:
        """Takes the slot that is free first of those that a task fits out of a heap; returns its number."""
        passed, found = [], None
        while free and found is None:
            entry = heapq.heappop(free)
            if task.job is None or self._fits(names[entry[1]], task.job):
                found = entry[1]
            else:
                passed.append(entry)
        for entry in passed:
            heapq.heappush(free, entry)
        return found

    def _busy_lane(self, busy: Busy, now: float) -> _Lane:
        left_s = self._left(busy)
        if left_s is None:
            return self._Lane(_UNKNOWN, _UNKNOWN)
        if busy.heard_at is None:
            return self._Lane(now + left_s, _IDLE, left_s)
        end = busy.heard_at + left_s
        return self._Lane(max(end, now), end)


class _Same:
    """Equal only to itself: immutable things that have not changed are the same ones."""

    def __init__(self, value: object) -> None:
        self._value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self._value is other._value

    __hash__ = None  # type: ignore[assignment]
