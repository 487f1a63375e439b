"""The queue: one worker thread runs the tasks in order; everybody else reads immutable records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from backend.models.schemas import GenerateRequest, ImageRecord, Status, TaskRecord
from backend.services.errors import (
    Cancelled,
    DiskFull,
    QueueFull,
    ShutDown,
    Stopped,
    StudioError,
    TaskAlreadyFinished,
    TimedOut,
    UnknownTask,
)
from backend.services.generator import GeneratedImage, OnProgress, Phase, Progress
from backend.services.journal import Journal
from backend.utils.clock import utc_now
from backend.utils.ids import new_id

logger = logging.getLogger(__name__)

INTERRUPTED = "The program ended while this task was running; it was not started again by itself."


class Generator(Protocol):
    """Draws pictures, on the worker thread only."""

    def prepare(self) -> None:
        """Does once what need not wait for the first task."""

    def generate(self, request: GenerateRequest, on_progress: OnProgress) -> GeneratedImage:
        """Draws one picture; what `on_progress` raises ends it."""


class PictureStore(Protocol):
    """Keeps pictures."""

    def add(self, generated: GeneratedImage) -> ImageRecord:
        """Saves a picture; returns when it is on the disk."""


class StopSignal:
    """Why the running task has to end, if it has to."""

    def __init__(self, deadline: float, monotonic: Callable[[], float], timeout_s: float) -> None:
        self._deadline = deadline
        self._monotonic = monotonic
        self._timeout_s = timeout_s
        self._reason: Stopped | None = None

    def stop(self, reason: Stopped) -> None:
        """Asks for an end; the first reason counts."""
        self._reason = self._reason or reason

    def check(self) -> None:
        """Raises the reason when there is one."""
        if self._reason is not None:
            raise self._reason
        if self._monotonic() > self._deadline:
            raise TimedOut(
                f"The task ran longer than the limit of {self._timeout_s:g} s. Try a smaller size or fewer steps."
            )


class TaskManager:
    """Accepts, runs, cancels and remembers tasks."""

    def __init__(
        self,
        generator: Generator,
        store: PictureStore,
        journal: Journal,
        *,
        admit: Callable[[GenerateRequest], None],
        timeout_s: float,
        max_queued: int,
        kept_finished: int,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._generator = generator
        self._store = store
        self._journal = journal
        self._admit = admit
        self._timeout_s = timeout_s
        self._max_queued = max_queued
        self._kept_finished = kept_finished
        self._monotonic = monotonic
        self._now = now
        self._make_id = make_id
        self._tasks: dict[str, TaskRecord] = {}
        self._running: StopSignal | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name="generation", daemon=True)

    def start(self) -> None:
        """Takes up the queue of the last run and starts the worker; what was running then is not run again."""
        for task in self._journal.read():
            if task.status is Status.PROCESSING:
                task = task.model_copy(
                    update={
                        "status": Status.INTERRUPTED,
                        "message": "Interrupted",
                        "error": INTERRUPTED,
                        "error_code": ShutDown.code,
                        "cancelling": False,
                    }
                )
            self._tasks[task.id] = task
        self._save()
        self._worker.start()

    def close(self, timeout_s: float = 6.0) -> bool:
        """Ends the running task at its next step and the worker with it; waiting tasks stay in the journal.

        Returns:
            Whether the worker has ended in time.
        """
        with self._changed:
            self._closing = True
            if self._running is not None:
                self._running.stop(ShutDown(INTERRUPTED))
            self._changed.notify_all()
        self._worker.join(timeout_s)
        return not self._worker.is_alive()

    def submit(self, request: GenerateRequest) -> str:
        """Queues a request and returns the task's id, once the task is on the disk.

        Raises:
            QueueFull: too many tasks wait.
            DiskFull: the task cannot be stored.
            StudioError: the request was not admitted.
        """
        self._admit(request)
        with self._changed:
            waiting = len(self._waiting())
            if waiting >= self._max_queued:
                raise QueueFull(f"{waiting} tasks are waiting, which is the limit; try again when some have finished.")
            task = TaskRecord(
                id=self._make_id(),
                request=request,
                total_steps=request.num_inference_steps,
                message="Waiting in the queue",
                created_at=self._now(),
            )
            self._tasks[task.id] = task
            try:
                self._save()
            except OSError as error:
                del self._tasks[task.id]
                raise DiskFull("The disk refuses to store the task; free some space and try again.") from error
            self._changed.notify_all()
        return task.id

    def get(self, task_id: str) -> TaskRecord:
        """Returns a task as it is now.

        Raises:
            UnknownTask: there is none, or it finished so long ago that it was forgotten.
        """
        task = self._tasks.get(task_id)
        if task is None:
            raise UnknownTask("There is no task with this id; finished tasks are remembered for a while only.")
        return task

    def active(self) -> list[TaskRecord]:
        """Returns the unfinished tasks in the order in which they run."""
        with self._changed:
            return [task for task in self._tasks.values() if not task.status.is_final]

    def finished(self) -> list[TaskRecord]:
        """Returns the finished tasks that are remembered, newest first."""
        with self._changed:
            return [task for task in reversed(self._tasks.values()) if task.status.is_final]

    def queue_position(self, task_id: str) -> int | None:
        """Returns how many tasks wait before this one; None when it does not wait."""
        with self._changed:
            waiting = self._waiting()
        return waiting.index(task_id) if task_id in waiting else None

    def cancel(self, task_id: str) -> TaskRecord:
        """Ends a task: at once when it waits, at its next step when it runs.

        Raises:
            UnknownTask: there is none.
            TaskAlreadyFinished: there is nothing to end.
        """
        with self._changed:
            task = self.get(task_id)
            if task.status.is_final:
                raise TaskAlreadyFinished(f"This task is {task.status} already; there is nothing to cancel.")
            if task.status is Status.PENDING:
                return self._finish(task_id, Status.CANCELLED, "Cancelled before it started")
            if self._running is None:
                raise TaskAlreadyFinished(
                    "The picture is finished and being saved; delete it from the history instead."
                )
            self._running.stop(Cancelled("Cancelled"))
            self._update(task_id, cancelling=True, message="Cancelling")
            return self._tasks[task_id]

    # -- the worker ------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._generator.prepare()
        except Exception:  # the first task will meet the same fault and report it
            logger.exception("the generator could not be prepared")
        while (task := self._take_next()) is not None:
            self._run(task)

    def _take_next(self) -> TaskRecord | None:
        with self._changed:
            while not self._closing and not self._waiting():
                self._changed.wait()
            if self._closing:
                return None
            task_id = self._waiting()[0]
            self._running = StopSignal(self._monotonic() + self._timeout_s, self._monotonic, self._timeout_s)
            self._update(task_id, status=Status.PROCESSING, message="Starting")
            self._save_if_possible()
            return self._tasks[task_id]

    def _run(self, task: TaskRecord) -> None:
        signal = self._running
        if signal is None:
            raise RuntimeError("a task is run only after it was taken")
        logger.info("task %s started", task.id)
        try:
            generated = self._generator.generate(
                task.request, lambda progress: self._on_progress(task, signal, progress)
            )
            self._pass_the_last_exit(signal)
            record = self._store.add(generated)
        except Stopped as reason:
            self._end(task.id, _status_after(reason), str(reason), reason)
        except StudioError as error:
            self._end(task.id, Status.FAILED, "Failed", error)
        except Exception as error:  # anything else is a fault of ours: the queue goes on, the log has the traceback
            logger.exception("task %s failed", task.id)
            unexpected = StudioError(f"An unexpected error ({type(error).__name__}) ended this task; the log has more.")
            self._end(task.id, Status.FAILED, "Failed", unexpected)
        else:
            message = f"Completed in {generated.generation_time_ms / 1000:.1f} s"
            with self._changed:
                self._update(task.id, result=record, current_step=task.total_steps)
                self._finish(task.id, Status.COMPLETED, f"{message}; {generated.note}" if generated.note else message)

    def _pass_the_last_exit(self, signal: StopSignal) -> None:
        """Ends the task if it was asked to; from here on it saves its picture, and a cancel is refused."""
        with self._changed:
            signal.check()
            self._running = None

    def _on_progress(self, task: TaskRecord, signal: StopSignal, progress: Progress) -> None:
        signal.check()
        with self._changed:
            if self._tasks[task.id].cancelling:  # keeps its message
                return
            if progress.phase is Phase.LOADING:
                self._update(task.id, message=progress.note)
                return
            step = min(progress.forwards_done, task.total_steps - 1)  # the last step is the picture on the disk
            words = f"Step {step} of {task.total_steps}"
            self._update(task.id, current_step=step, message=f"{words}; {progress.note}" if progress.note else words)

    def _end(self, task_id: str, status: Status, message: str, error: StudioError) -> None:
        with self._changed:
            self._running = None
            if status is not Status.CANCELLED:
                self._update(task_id, error=str(error), error_code=error.code)
            self._finish(task_id, status, message)

    # -- the records; the caller holds the lock ----------------------------------------------------------------------

    def _waiting(self) -> list[str]:
        return [task.id for task in self._tasks.values() if task.status is Status.PENDING]

    def _update(self, task_id: str, **changes: object) -> None:
        self._tasks[task_id] = self._tasks[task_id].model_copy(update=changes)

    def _finish(self, task_id: str, status: Status, message: str) -> TaskRecord:
        self._update(task_id, status=status, message=message, cancelling=False)
        logger.info("task %s %s", task_id, status)
        tasks = dict(self._tasks)  # a new one: readers look without the lock
        task = tasks[task_id] = tasks.pop(task_id)  # finished tasks stand in the order of their ends
        finished = [task.id for task in tasks.values() if task.status.is_final]
        for forgotten in finished[: max(0, len(finished) - self._kept_finished)]:
            del tasks[forgotten]
        self._tasks = tasks
        self._save_if_possible()
        return task

    def _save(self) -> None:
        self._journal.write(self._tasks.values())

    def _save_if_possible(self) -> None:
        """Saves a change that holds even if the disk is full: at worst a restart reports it as interrupted."""
        try:
            self._save()
        except OSError as error:
            logger.error("the queue could not be saved: %s", error)


def _status_after(reason: Stopped) -> Status:
    if isinstance(reason, Cancelled):
        return Status.CANCELLED
    return Status.INTERRUPTED if isinstance(reason, ShutDown) else Status.FAILED
