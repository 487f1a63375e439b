"""A worker as the queue sees it: an actor's handle, what it has told of itself, and how it stands."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backend.services.errors import DeviceFault, StudioError, WorkerLost
from backend.services.generation.events import Drawn, Emit, Ended, IsCancelled, Loaded
from backend.services.generation.job import Job
from backend.services.generation.planning.load_plan import CPU
from backend.services.tasks.executors.base import Worker
from backend.services.tasks.executors.ray.actor import MakeWorkshop
from backend.services.tasks.executors.ray.cluster import Cluster, Failed, Restarting, Unanswered
from backend.services.tasks.executors.ray.facts import Facts, find_differences, unpack_facts
from backend.services.tasks.executors.ray.placement import Place
from backend.services.tasks.executors.ray.standing import Standing
from backend.services.tasks.executors.ray.wire import Pixels, unpack

logger = logging.getLogger(__name__)

HEAR_S = 0.05
"""Longest time until a cancel is on its way."""
CANCEL_AGAIN_S = 0.5
STUCK_S = 60.0
"""How long a job may go on after its cancel until its process is ended."""
LOOK_S = 300.0
"""Longest first look: it imports torch, from a network's disk at worst."""
RESTART_S = 60.0
"""How long the start of a process may take, once it has failed."""
LOOK_EVERY_S = 15.0
SILENT_S = 30.0
"""How long a worker may leave a question unanswered until it is taken for dead."""


@dataclass
class _Question:
    reference: Any
    asked_at: float
    patience_s: float


class RemoteWorker:
    """One actor. `tend` and `run` are called by a thread each; everybody reads."""

    def __init__(
        self,
        cluster: Cluster,
        place: Place,
        make_workshop: MakeWorkshop,
        versions: Mapping[str, str],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self.place = place
        self._make_workshop = make_workshop
        self._versions = versions
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._standing = Standing()
        self._actor = cluster.start_actor(place, make_workshop)
        self._question: _Question | None = self._ask(LOOK_S)
        self._looked_at = 0.0
        self._tried_at = monotonic()
        self._lives = 0
        """Grows when its process is given up: what ran in it is lost."""
        self._runs = 0
        self.facts: Facts | None = None
        self.model: str | None = None

    @property
    def standing(self) -> Standing:
        """How it stands; for reading."""
        return self._standing

    @property
    def is_ready(self) -> bool:
        """Whether it takes jobs."""
        return self._standing.state == "ready"

    @property
    def has_card(self) -> bool:
        """Whether it draws on a card; until it has told, whether there is one in its place."""
        return self.place.n_gpus > 0 if self.facts is None else self.facts.device != CPU

    def describe(self, lacks: str) -> Worker:
        """Returns what is shown of it; `lacks` is said where nothing else is wrong."""
        facts, standing = self.facts, self._standing
        return Worker(
            slot=self.place.slot,
            node=self.place.node,
            device=facts.device if facts is not None else "",
            card=facts.card if facts is not None else "",
            memory_bytes=facts.memory_bytes if facts is not None else 0,
            state=standing.state,
            model=self.model,
            note=standing.note or lacks,
        )

    # -- on the thread that tends all --------------------------------------------------------------------------------

    def tend(self) -> None:
        """Asks and listens, without waiting."""
        now = self._monotonic()
        if self._question is not None:
            self._hear(self._question, now)
        elif self._standing.may_try(now):
            self._standing.retry()
            self._tried_at = now
            self._question = self._ask(LOOK_S)
        elif self.is_ready and now - self._looked_at > LOOK_EVERY_S:
            self._question = self._ask(SILENT_S)

    def leave(self, why: str) -> None:
        """Ends the actor: its machine is gone, or everything ends."""
        with self._lock:
            self._lives += 1
            self._standing.refuse(why)
        self._cluster.kill(self._actor, for_good=True)

    def _ask(self, patience_s: float) -> _Question:
        return _Question(self._actor.look.remote(), self._monotonic(), patience_s)

    def _hear(self, question: _Question, now: float) -> None:
        try:
            if not self._cluster.is_answered(question.reference):
                self._be_patient(question, now)
                return
            self._question, self._looked_at = None, now
            told: dict[str, Any] = self._cluster.answer(question.reference, timeout_s=1.0)
        except Restarting as error:
            if self._standing.state == "starting" and now - self._tried_at < RESTART_S:
                self._question = self._ask(LOOK_S)
            else:
                self._lose(str(error))
        except Unanswered as error:
            self._lose(str(error))
        except Failed as error:
            self._lose(f"It cannot draw: {str(error).strip().splitlines()[-1]}")
        else:
            self._take_in(told)

    def _be_patient(self, question: _Question, now: float) -> None:
        silent_s = now - question.asked_at
        if silent_s > question.patience_s and self.facts is None:
            self._standing.note = f"It has not started for {silent_s:.0f} s: is its card in use?"
        elif silent_s > question.patience_s:
            self._lose(f"It has not answered for {question.patience_s:.0f} s.")

    def _take_in(self, told: dict[str, Any]) -> None:
        differences = find_differences(self._versions, told["versions"])
        if differences:
            self._standing.refuse(f"It has {differences}.")
            self._cluster.kill(self._actor, for_good=True)
            return
        if self._standing.state == "starting":
            self._standing.join()
        facts = unpack_facts(told)
        if facts != self.facts:
            self.facts = facts

    def _lose(self, why: str) -> None:
        """Takes the process for dead; Ray starts another one, unless it has failed too often."""
        with self._lock:
            self._lives += 1
            self._question, self.model = None, None
            self._standing.fail(why, self._monotonic())
            is_out = self._standing.is_out
        logger.warning("the worker %s is lost: %s", self.place.slot, why)
        self._cluster.kill(self._actor, for_good=is_out)

    # -- on the thread of its slot -----------------------------------------------------------------------------------

    def run(self, job: Job, images: Mapping[str, Pixels], emit: Emit, cancelled: IsCancelled) -> Ended:
        """Lets it draw a job, and emits the events but the last, which it returns."""
        lives, lost = self._lives, Ended(WorkerLost.code, f"The worker {self.place.slot} was lost.")
        self._runs += 1
        try:
            end = self._follow(job, images, emit, cancelled, lives)
        except (Unanswered, WorkerLost) as error:
            if lives == self._lives:
                self._lose(str(error))
            return lost
        except Exception as error:
            if lives != self._lives:  # then it is no more than a loss, whatever it is
                return lost
            if not isinstance(error, Failed):
                raise
            logger.error("the worker %s cannot draw: %s", self.place.slot, error)
            return Ended(StudioError.code, f"The worker {self.place.slot} cannot draw this; its log has more.")
        if end.code == DeviceFault.code:
            self._lose("Its device has failed.")
        return end

    def _follow(self, job: Job, images: Mapping[str, Pixels], emit: Emit, cancelled: IsCancelled, lives: int) -> Ended:
        key = f"{self.place.slot}/{self._runs}"
        sent = self._cluster.keep(images) if images else {}
        stream = self._cluster.listen(self._actor, key, job.model_dump_json(), sent)
        cancel = _Cancel(self._monotonic, cancelled, lambda: self._actor.cancel.remote(key))
        while True:
            for packed in stream.hear(HEAR_S):
                event = unpack(packed)
                if isinstance(event, Ended):
                    return event
                if isinstance(event, Loaded):
                    self.model = job.recipe.model
                emit(event)
                if isinstance(event, Drawn):
                    self._standing.draw()
            cancel.send_if_wanted()
            if lives != self._lives:
                raise WorkerLost("It was given up.")

    def unload(self) -> None:
        """Frees the memory of its model."""
        try:
            self._cluster.answer(self._actor.unload.remote(), SILENT_S)
        except (Unanswered, Failed) as error:
            logger.warning("the worker %s keeps its model: %s", self.place.slot, error)
            return
        self.model = None


class _Cancel:
    """Tells a worker to end a job, again and again: the first word may come before the job does."""

    def __init__(self, monotonic: Callable[[], float], cancelled: IsCancelled, send: Callable[[], object]) -> None:
        self._monotonic, self._cancelled, self._send = monotonic, cancelled, send
        self._first = self._last = float("-inf")

    def send_if_wanted(self) -> None:
        """Sends it when it is time to.

        Raises:
            WorkerLost: it has gone unheard for too long.
        """
        if not self._cancelled():
            return
        now = self._monotonic()
        if self._first == float("-inf"):
            self._first = now
        if now - self._first > STUCK_S:
            raise WorkerLost(f"It has not ended a job within {STUCK_S:.0f} s.")
        if now - self._last > CANCEL_AGAIN_S:
            self._last = now
            self._send()
