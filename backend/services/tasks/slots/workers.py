"""Threads that take tasks from the table, a thread a slot."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial

from backend.models.schemas import GenerateRequest, Status
from backend.services.errors import DiskFull, ShutDown, StudioError, UnknownWorker
from backend.services.generation.events import Ended
from backend.services.generation.job import Job
from backend.services.tasks.cancellation import Cancellation
from backend.services.tasks.eta import EtaModel
from backend.services.tasks.executors.base import Executor
from backend.services.tasks.image_store import ImageStore
from backend.services.tasks.records import INTERRUPTED, TaskRecord
from backend.services.tasks.slots.affinity import Turn
from backend.services.tasks.slots.books import Books
from backend.services.tasks.slots.running import Part, Running
from backend.services.tasks.slots.turns import Turns
from backend.services.tasks.table import TaskTable
from backend.utils.log_format import TASK_ID

logger = logging.getLogger(__name__)

UNPREPARED = "unprepared"
"""The one slot until the executor is prepared."""
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
DISK_REFUSES = "The disk refuses to store the task; free some space and try again."


class Workers:
    """Run what waits, as long as the process lives."""

    def __init__(
        self,
        table: TaskTable,
        executor: Executor,
        store: ImageStore,
        eta_model: EtaModel,
        resolve: Callable[[GenerateRequest], Job],
        *,
        timeout_s: float,
        idle_unload_s: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._table = table
        self._executor = executor
        self._store = store
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._idle_unload_s = idle_unload_s
        self._to_free: set[str] = set()
        """Slots whose memory is to be freed as soon as they have nothing to do."""
        self._monotonic = monotonic
        self.turns = Turns(table, executor.fits)
        self.books = Books(table, store, eta_model, self.turns, is_shared=self._is_shared, monotonic=monotonic)
        self.turns.batches = self.books.batches
        self._threads = [threading.Thread(target=self._prepare_and_work, name="generation", daemon=True)]
        self._staffed: set[str] = set()
        """Slots whose threads go on."""
        self._pauses_s: dict[str, float] = {}
        """Length of the last pause, by slots that could not go on."""
        self.slots: tuple[str, ...] = (UNPREPARED,)
        """Known when the executor is prepared."""
        self.closing = False

    @property
    def alive(self) -> bool:
        """Whether all of them work, or are not expected to."""
        return self.closing or all(thread.is_alive() or thread.ident is None for thread in self._threads)

    def start(self) -> None:
        """Prepares the executor and begins to work, on other threads."""
        self._threads[0].start()

    def close(self, timeout_s: float) -> bool:
        """Ends the running jobs at their next steps, and the threads with them.

        Returns:
            Whether they have ended in time; one that still imports its libraries has nothing to lose.
        """
        deadline = time.monotonic() + timeout_s
        with self._table.changed:
            self.closing = True
            for running in self.books.running.values():
                running.cancellation.request(ShutDown(INTERRUPTED))
            threads = [] if self.slots == (UNPREPARED,) and not self.books.running else self._threads
            self._table.changed.notify_all()
            self.turns.ring_all()
        self._table.notify()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def free(self) -> None:
        """Frees the memory of the models, each as soon as its slot has nothing to do."""
        with self._table.changed:
            self._to_free.update(self.slots)
            self.turns.ring_all()

    def drain(self, slot: str, *, is_drained: bool) -> None:
        """Lets a slot take no more tasks, or take them again; what runs there goes on.

        Raises:
            UnknownWorker: there is no such slot.
        """
        with self._table.changed:
            if slot not in self.slots:
                raise UnknownWorker
            self.turns.drain(slot, is_drained=is_drained)

    # -- the threads -------------------------------------------------------------------------------------------------

    def _prepare_and_work(self) -> None:
        slots = self._prepare()
        while slots is None:
            if not self._wait_for_next(UNPREPARED):
                return
            slots = self._prepare()  # again: what was missing may be here by now
            if slots is None:
                self._run_next(UNPREPARED)  # which reports the fault, and tries once more
                slots = self._prepare()
        with self._table.changed:
            if self.closing:
                return
            for task in self._table.waiting:
                self._with_job(task)
            if UNPREPARED in self._to_free:
                self._to_free = set(slots)
            self.turns.close(UNPREPARED)
            self._staffed.update(slots[:1])  # this thread is its
            self._staff(slots)
        self._table.notify()
        self._executor.watch(self._on_slots)
        if slots:
            self._work(slots[0])
        else:
            self._retire()

    def _on_slots(self, slots: tuple[str, ...]) -> None:
        with self._table.changed:
            if not self.closing:
                self._staff(slots)
        self._table.notify()

    def _staff(self, slots: tuple[str, ...]) -> None:
        """Starts threads for slots that have none; those of slots that are gone end by themselves."""
        others = [
            threading.Thread(target=self._work, args=(slot,), name=slot, daemon=True)
            for slot in slots
            if slot not in self._staffed
        ]
        self._threads, self.slots = [*self._threads, *others], slots
        self._staffed.update(slots)
        for thread in others:  # under the lock: only a thread that has been started can be joined
            thread.start()
        self.turns.ring_all()

    def _prepare(self) -> tuple[str, ...] | None:
        try:
            return self._executor.prepare()
        except BaseException:  # not even a panic of a library ends the thread; the next task meets the same fault
            logger.exception("the executor could not be prepared")
            return None

    def _work(self, slot: str) -> None:
        while self._wait_for_next(slot):
            self._run_next(slot)
        self._retire()

    def _retire(self) -> None:
        """Ends a thread in order; one that ends otherwise is missed."""
        with self._table.changed:
            self._threads = [thread for thread in self._threads if thread is not threading.current_thread()]

    def _wait_for_next(self, slot: str) -> bool:
        """Waits for a task; frees the slot's memory meanwhile when somebody asks, or when it has been idle for long.

        Returns:
            Whether there is a task; there is none when the workers end.
        """
        idle_since = self._monotonic()
        while not self._wait_for_work(slot, idle_since + self._idle_unload_s if self._idle_unload_s else math.inf):
            if self._is_over(slot):
                return False
            self._executor.unload(slot)
            idle_since = math.inf
        return True

    def _is_over(self, slot: str) -> bool:
        """Tells whether a slot's thread is to end; a slot that comes back then gets another one."""
        with self._table.changed:
            if not self.closing and slot in self.slots:
                self.turns.unload(slot)  # what it is told to do now
                return False
            self._staffed.discard(slot)
            self.turns.close(slot)
            return True

    def _wait_for_work(self, slot: str, until: float) -> bool:
        """Returns whether there is a task; if not, the thread ends, or the slot's memory is to be freed."""
        with self._table.changed:
            self.turns.rest(slot)
            while not self.closing and slot in self.slots:
                if self.turns.next_for(slot) is not None:
                    return True
                left_s = until - self._monotonic()
                if slot in self._to_free or left_s <= 0:
                    self._to_free.discard(slot)
                    break
                self.turns.wait(slot, None if left_s == math.inf else left_s)
            self.turns.leave(slot)
            return False

    def _run_next(self, slot: str) -> None:
        """Runs the next task, if it can be started; a slot lives on, whatever happens in it."""
        try:
            taken = self._take_next(slot)
            self._pauses_s.pop(slot, None)
            self._table.notify()
            if taken is not None:
                self._run(*taken)
        except OSError as error:  # after a crash the disk would say that it waits, and it would run once more
            with self._table.changed:
                if self._table.is_stored:  # by now
                    return
                if slot not in self._pauses_s:
                    logger.error("no task is started while the queue cannot be saved: %s", error)
                self._pause(slot)
        except DiskFull as error:
            if slot not in self._pauses_s:
                logger.error("no task is started: %s", error)
            self._pause(slot)
        except BaseException:  # a fault of ours
            logger.exception("%s goes on", slot)
            self._pause(slot)

    def _pause(self, slot: str) -> None:
        """Waits until something can be saved or the process ends; not for ever, and each time for longer."""
        with self._table.changed:
            pause_s = self._pauses_s[slot] = min(2 * self._pauses_s.get(slot, FIRST_PAUSE_S / 2), LONGEST_PAUSE_S)
            if not self.closing:
                self._table.changed.wait(pause_s)

    def _take_next(self, slot: str) -> tuple[Running, Part] | None:
        """Starts the next task or helps with one; None when it is gone by now, or cannot be started.

        Raises:
            OSError: the start cannot be stored; the task still waits.
            DiskFull: what it draws could not be kept; it still waits.
        """
        try:
            self._store.prepare()
            with self._table.changed:
                turn = None if self.closing else self.turns.next_for(slot)
                if turn is None:
                    return None
                running = self.books.running.get(turn.task.id) or self._start(slot, turn)
                part = None if running is None else self.books.begin(running, slot)
                if running is None or part is None:
                    return None
                self.turns.take(slot, turn)
                if running.unbegun:
                    self.turns.ring()
                return running, part
        finally:
            with self._table.changed:
                self.turns.leave(slot)

    def _start(self, slot: str, turn: Turn) -> Running | None:
        task, began, job = turn.task, self._monotonic(), self._with_job(turn.task)
        if job is None:
            return None
        queued_s = None if task.queued_at is None else round(began - task.queued_at, 4)
        timings = task.timings.model_copy(update={"queued_s": queued_s})
        self._table.start(task.id, message="Starting", timings=timings, worker=slot)
        running = Running(task.id, job, slot, Cancellation(self._timeout_s, self._monotonic))
        running.resume(task.images)
        self.books.add(running)
        return running

    def _is_shared(self) -> bool:
        """Tells whether others may help with a task; else a slot draws all of its images without a pause."""
        return len(self.slots) > 1 or self._executor.is_elastic

    def _with_job(self, task: TaskRecord) -> Job | None:
        """Returns a waiting task's job; one of an older version's journal gets it now, or fails."""
        if task.job is not None:
            return task.job
        try:
            return self._table.decide(task.id, self._resolve(task.request)).job
        except StudioError as error:
            failure = error
        except Exception as error:  # a fault of ours must not end the thread that works for all
            logger.exception("task %s is not started", task.id)
            failure = StudioError.unexpected(error)
        self._table.finish(task.id, status=Status.FAILED, message="Failed", error=str(failure), error_code=failure.code)
        return None

    def _run(self, running: Running, part: Part) -> None:
        """Draws a part of a task, and those that follow for the slot."""
        token = TASK_ID.set(running.task_id)
        logger.info("task %s started on %s", running.task_id, part.slot)
        following: Part | None = part
        while following is not None:
            self._draw(running, following)
            following = following.next
        TASK_ID.reset(token)

    def _draw(self, running: Running, part: Part) -> None:
        try:
            self._executor.run(part.slot, part.job, partial(self.books.take_in, running, part), running.ends)
        except BaseException as error:  # a panic of a library in Rust is no Exception
            logger.exception("the executor failed")
            part.failure = StudioError.unexpected(error)
        finally:
            if not part.is_over:  # it did not say how it ended
                self.books.take_in(running, part, Ended())
