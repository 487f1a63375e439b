"""Who may wait, and whose turn it is: round robin between clients, in order within one. Pure functions."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from backend.services.errors import QueueFull
from backend.services.tasks.records import TaskRecord

MAX_CLIENTS = 1000
"""Clients whose last turn is remembered."""

Rearrange = Callable[[Sequence[TaskRecord], Mapping[str, int]], list[TaskRecord]]
"""Gives waiting tasks another order; see `take_turns` for what it is told."""


@dataclass(frozen=True)
class Limits:
    """How much the queue takes and keeps."""

    timeout_s: float = 600.0
    idle_unload_s: float = 0.0
    max_queued: int = 100
    max_queued_per_client: int = 100
    kept_finished: int = 200


def refuse_too_many(
    waiting: Sequence[TaskRecord], client: str, limits: Limits, retry_after_s: Callable[[], float | None]
) -> None:
    """Lets one more task in, or raises.

    Raises:
        QueueFull: too many tasks wait, of everybody or of this client.
    """
    own = sum(task.client == client for task in waiting)
    for count, limit, whose in (
        (len(waiting), limits.max_queued, ""),
        (own, limits.max_queued_per_client, " of yours"),
    ):
        if count >= limit:
            raise QueueFull(
                f"{count} tasks{whose} are waiting, which is the limit; try again when some have finished.",
                position=len(waiting),
                retry_after_s=retry_after_s(),
            )


def note_turn(served: Mapping[str, int], client: str) -> dict[str, int]:
    """Returns whose turn it was last, with one more turn; those of long ago are forgotten."""
    others = {other: turn for other, turn in served.items() if other != client}
    turns = {**others, client: max(served.values(), default=0) + 1}
    return dict(list(turns.items())[-MAX_CLIENTS:])


def take_turns(waiting: Sequence[TaskRecord], served: Mapping[str, int]) -> list[TaskRecord]:
    """Orders waiting tasks: one of each client, then the next of each, whoever was served longest ago first.

    Args:
        waiting: Tasks in the order in which their clients want them.
        served: A number a client that grows with every turn it had; none means never.
    """
    by_client: dict[str, list[TaskRecord]] = {}
    for task in waiting:
        by_client.setdefault(task.client, []).append(task)
    clients = sorted(by_client, key=lambda client: served.get(client, 0))  # stable: the first to come goes first
    rounds = itertools.zip_longest(*(by_client[client] for client in clients))
    return [task for turn in rounds for task in turn if task is not None]


def move_task(
    waiting: Sequence[TaskRecord], served: Mapping[str, int], task_id: str, position: int
) -> list[TaskRecord]:
    """Moves a task among those of its own client so that it runs as near to a position as their turns allow."""
    task = _find(waiting, task_id)
    turns = [index for index, other in enumerate(take_turns(waiting, served)) if other.client == task.client]
    place = min(range(len(turns)), key=lambda place: abs(turns[place] - position))  # turns do not depend on whose task
    return _place(waiting, task, place)


def move_task_by(waiting: Sequence[TaskRecord], task_id: str, places: int) -> list[TaskRecord]:
    """Moves a task by some places among those of its own client, at most to their end."""
    task = _find(waiting, task_id)
    own = [other.id for other in waiting if other.client == task.client]
    return _place(waiting, task, max(0, own.index(task_id) + places))


def _find(waiting: Sequence[TaskRecord], task_id: str) -> TaskRecord:
    return next(task for task in waiting if task.id == task_id)


def _place(waiting: Sequence[TaskRecord], task: TaskRecord, place: int) -> list[TaskRecord]:
    """Gives a task a place among those of its own client; all others keep theirs."""
    own = [other for other in waiting if other.client == task.client and other.id != task.id]
    own.insert(place, task)
    in_order = iter(own)
    return [next(in_order) if other.client == task.client else other for other in waiting]
