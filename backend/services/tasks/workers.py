"""Threads that take tasks from the table, a thread a slot, and fold the events of the jobs into the records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Protocol

from backend.models.schemas import GenerateRequest, ImageRecord, Status, Timings
from backend.services.errors import DiskFull, ShutDown, StudioError
from backend.services.generation.events import Drawn, Ended, JobEvent, Preview, Step
from backend.services.generation.job import Job
from backend.services.tasks import fold
from backend.services.tasks.cancellation import Cancellation
from backend.services.tasks.eta import EtaModel
from backend.services.tasks.executors.base import Executor
from backend.services.tasks.records import INTERRUPTED, TaskRecord
from backend.services.tasks.running import Running
from backend.services.tasks.table import TaskTable
from backend.utils.log_format import TASK_ID

logger = logging.getLogger(__name__)

DISK_REFUSES = "The disk refuses to store the task; free some space and try again."


class ImageStore(Protocol):
    """Keeps images."""

    def add(self, drawn: Drawn, client: str) -> ImageRecord:
        """Saves an image that a client has asked for; returns when it is on the disk."""


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
        monotonic: Callable[[], float],
    ) -> None:
        self._table = table
        self._executor = executor
        self._store = store
        self._eta_model = eta_model
        self._resolve = resolve
        self._timeout_s = timeout_s
        self._monotonic = monotonic
        self._threads = [threading.Thread(target=self._prepare_and_work, name="generation", daemon=True)]
        self.running: dict[str, Running] = {}
        """What runs now, by the ids of the tasks."""
        self.slots: tuple[str, ...] = ()
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
            self._table.changed.notify_all()
        self._table.notify()
        if not self.slots:
            return True
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    # -- the threads -------------------------------------------------------------------------------------------------

    def _prepare_and_work(self) -> None:
        try:
            slots = self._executor.prepare()
        except Exception:  # the first task will meet the same fault and report it
            logger.exception("the executor could not be prepared")
            slots = ("unprepared",)
        others = [threading.Thread(target=self._work, args=(slot,), name=slot, daemon=True) for slot in slots[1:]]
        with self._table.changed:
            self._threads, self.slots = [*self._threads, *others], slots
        for thread in others:
            thread.start()
        self._work(slots[0])

    def _work(self, slot: str) -> None:
        while self._wait_for_next(slot):
            running = self._take_next(slot)
            self._table.notify()
            if running is None:
                continue
            token = TASK_ID.set(running.task_id)
            logger.info("task %s started on %s", running.task_id, slot)
            self._executor.run(slot, running.job, partial(self._on_event, running), running.ends)
            TASK_ID.reset(token)

    def _wait_for_next(self, slot: str) -> bool:
        with self._table.changed:
            while not self.closing and self._next_for(slot) is None:
                self._table.changed.wait()
            return not self.closing

    def _next_for(self, slot: str) -> TaskRecord | None:
        fitting = (task for task in self._table.waiting if task.job is None or self._executor.fits(slot, task.job))
        return next(fitting, None)

    def _take_next(self, slot: str) -> Running | None:
        """Starts the next task; None when it is gone by now, or cannot be started."""
        with self._table.changed:
            task = None if self.closing else self._next_for(slot)
            if task is None:
                return None
            began = self._monotonic()
            queued_s = None if task.queued_at is None else round(began - task.queued_at, 4)
            self._table.start(task.id, message="Starting", timings=Timings(queued_s=queued_s))
            try:
                job = task.job or self._resolve(task.request)  # of an older version's journal
                self._table.update(task.id, job=job)
                self._table.save()
            except StudioError as error:
                self._fail(task.id, error)
                return None
            except OSError as error:  # after a crash the disk would say that it waits, and it would run once more
                logger.error("task %s is not started, the queue could not be saved: %s", task.id, error)
                self._fail(task.id, DiskFull(DISK_REFUSES))
                return None
            except Exception as error:  # a fault of ours must not end the thread that works for all
                logger.exception("task %s is not started", task.id)
                self._fail(task.id, StudioError.unexpected(error))
                return None
            cancellation = Cancellation(self._timeout_s, self._monotonic)
            running = Running(task.id, job, slot, cancellation, heard_at=began, lap_at=began)
            self.running = {**self.running, task.id: running}  # new: readers hold no lock
            return running

    def _fail(self, task_id: str, error: StudioError) -> None:
        self._table.finish(task_id, status=Status.FAILED, message="Failed", error=str(error), error_code=error.code)

    # -- a job's events, on the thread of its slot -------------------------------------------------------------------

    def _on_event(self, running: Running, event: JobEvent) -> None:
        match event:
            case Drawn():
                self._keep(running, event)
            case Ended():
                self._end(running, event)
            case _:
                self._note(running, event)
        if not isinstance(event, Preview):  # the step that follows tells of it
            self._table.notify()

    def _note(self, running: Running, event: JobEvent) -> None:
        with self._table.changed:
            if isinstance(event, Preview):
                running.preview = event.pixels
            self._end_phase(running, fold.phase_before(event))
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
            image = self._store.add(drawn, task.client)
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
            if not running.is_saving_last:  # a process that is killed now must know of it when it is started again
                self._table.save_if_possible()

    def _end(self, running: Running, event: Ended) -> None:
        failure = running.failure or (StudioError.of(event.code, event.message) if event.code else None)
        with self._table.changed:
            task = self._table.tasks[running.task_id]
            self._table.finish(task.id, **fold.outcome(task, failure, running.cancellation.reason))
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
        if "denoise_s" in phases:
            denoise_s = phases.pop("denoise_s")
            self._eta_model.learn(running.job, denoise_s, sum(phases.values()))
