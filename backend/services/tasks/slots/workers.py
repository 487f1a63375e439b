"""Threads that take tasks from the table, a thread a slot, and fold the events of the jobs into the records."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from functools import partial

from backend.models.schemas import GenerateRequest, Status, Timings
from backend.services.errors import DeviceFault, DiskFull, ShutDown, StudioError, UnknownWorker
from backend.services.generation.events import Drawn, Ended, JobEvent, Loaded, Partial, Preview, Step
from backend.services.generation.job import Job
from backend.services.tasks import fold
from backend.services.tasks.cancellation import Cancellation
from backend.services.tasks.eta import EtaModel
from backend.services.tasks.executors.base import Executor
from backend.services.tasks.image_store import ImageStore
from backend.services.tasks.records import INTERRUPTED, TaskRecord
from backend.services.tasks.slots.affinity import Turn
from backend.services.tasks.slots.running import Running
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
        self._eta_model = eta_model
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._idle_unload_s = idle_unload_s
        self._to_free: set[str] = set()
        """Slots whose memory is to be freed as soon as they have nothing to do."""
        self._monotonic = monotonic
        self.turns = Turns(table, executor.fits)
        self._threads = [threading.Thread(target=self._prepare_and_work, name="generation", daemon=True)]
        self._staffed: set[str] = set()
        """Slots whose threads go on."""
        self._pauses_s: dict[str, float] = {}
        """Length of the last pause, by slots that could not go on."""
        self.running: dict[str, Running] = {}
        """What runs now, by the ids of the tasks."""
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
            for running in self.running.values():
                running.cancellation.request(ShutDown(INTERRUPTED))
            threads = [] if self.slots == (UNPREPARED,) and not self.running else self._threads
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
            running = self._take_next(slot)
            self._pauses_s.pop(slot, None)
            self._table.notify()
            if running is not None:
                self._run(running)
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

    def _take_next(self, slot: str) -> Running | None:
        """Starts the next task; None when it is gone by now, or cannot be started.

        Raises:
            OSError: the start cannot be stored; the task still waits.
            DiskFull: what it draws could not be kept; it still waits.
        """
        try:
            self._store.prepare()
            with self._table.changed:
                turn = None if self.closing else self.turns.next_for(slot)
                job = None if turn is None else self._with_job(turn.task)
                return None if turn is None or job is None else self._start(slot, turn, job)
        finally:
            with self._table.changed:
                self.turns.leave(slot)

    def _start(self, slot: str, turn: Turn, job: Job) -> Running:
        task, began = turn.task, self._monotonic()
        queued_s = None if task.queued_at is None else round(began - task.queued_at, 4)
        self._table.start(task.id, message="Starting", timings=Timings(queued_s=queued_s), worker=slot)
        self.turns.take(slot, turn)
        cancellation = Cancellation(self._timeout_s, self._monotonic)
        running = Running(task.id, job, slot, cancellation, heard_at=began, lap_at=began)
        self.running = {**self.running, task.id: running}  # new: readers hold no lock
        return running

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

    def _run(self, running: Running) -> None:
        token = TASK_ID.set(running.task_id)
        logger.info("task %s started on %s", running.task_id, running.slot)
        try:
            self._executor.run(running.slot, running.job, partial(self._on_event, running), running.ends)
        except BaseException as error:  # a panic of a library in Rust is no Exception
            logger.exception("the executor failed")
            running.failure = running.failure or StudioError.unexpected(error)
        finally:
            if running.task_id in self.running:  # it did not say how it ended
                self._on_event(running, Ended())
            TASK_ID.reset(token)

    # -- a job's events, on the thread of its slot -------------------------------------------------------------------

    def _on_event(self, running: Running, event: JobEvent) -> None:
        match event:
            case Drawn():
                self._keep(running, event)
            case Ended():
                self._end(running, event)
            case _:
                self._note(running, event)
        if not isinstance(event, Preview | Partial):  # the step that follows tells of it
            self._table.notify()

    def _note(self, running: Running, event: JobEvent) -> None:
        with self._table.changed:
            if isinstance(event, Preview):
                running.preview = event.pixels
            if isinstance(event, Partial):
                running.partials = (*running.partials, event)
            self._end_phase(running, fold.phase_before(event))
            if isinstance(event, Loaded):
                running.is_loaded = True
                self.turns.load(running.slot, running.job)
                running.job = running.job.model_copy(update={"use_gpu": event.use_gpu})
            if isinstance(event, Step) and 0 < event.done < event.total:
                self._eta_model.guess(running.job, event.done, running.heard_at - running.lap_at)
            self._table.put(fold.with_event(self._table.tasks[running.task_id], event))

    def _keep(self, running: Running, drawn: Drawn) -> None:
        """Saves an image, unless the task was told to end meanwhile; 100 % means that it is on the disk."""
        with self._table.changed:
            self._end_phase(running, fold.phase_before(drawn))
            task = self._table.tasks[running.task_id]
            if running.ends():
                return
            running.is_saving_last = len(task.images) == task.request.num_images - 1
        try:
            image = self._store.add(drawn, task.client, task.door)
        except StudioError as error:
            logger.warning("the image could not be saved: %s", error)
            running.failure = error
            return
        except Exception as error:  # a fault of ours: the queue goes on, the log has the traceback
            logger.exception("the image could not be saved")
            running.failure = StudioError.unexpected(error)
            return
        with self._table.changed:
            self._end_phase(running, "save_s")
            self._learn(running)
            self._table.put(fold.with_image(self._table.tasks[task.id], image))
            running.partials = ()
            if not running.is_saving_last:  # a process that is killed now must know of it when it is started again
                self._table.save_if_possible()

    def _end(self, running: Running, event: Ended) -> None:
        failure = running.failure or (StudioError.of(event.code, event.message) if event.code else None)
        with self._table.changed:
            task = self._table.tasks[running.task_id]
            if fold.is_loss(failure) or (failure is not None and failure.code == DeviceFault.code):
                self.turns.unload(running.slot)
            try:
                if failure is not None and fold.runs_again(task, failure, running.cancellation.reason):
                    logger.warning("task %s waits again: %s", task.id, failure)
                    self._table.requeue(task.id, queued_at=self._monotonic(), **fold.after_loss(task, failure))
                else:
                    self._table.finish(task.id, **fold.outcome(task, failure, running.cancellation.reason))
            finally:
                self.running = {key: other for key, other in self.running.items() if key != running.task_id}

    def _end_phase(self, running: Running, phase: str | None) -> None:
        running.heard_at = self._monotonic()
        if phase is not None:
            seconds = running.end_phase(phase)
            self._table.put(fold.with_phase(self._table.tasks[running.task_id], phase, seconds))

    def _learn(self, running: Running) -> None:
        """Learns from the phases of an image; how long loading took says nothing of the next one."""
        phases = {name: seconds for name, seconds in running.phases.items() if name != "load_s"}
        running.phases.clear()
        if "denoise_s" in phases and not running.job.partial_images:
            denoise_s = phases.pop("denoise_s")
            self._eta_model.learn(running.job, denoise_s, sum(phases.values()))
