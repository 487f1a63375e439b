"""The queue: one worker thread runs the tasks in turn; everybody else reads immutable records."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime

from backend.models.schemas import LOCAL_CLIENT, GenerateRequest, Status, TaskRecord, Timings
from backend.services.errors import (
    Cancelled,
    DiskFull,
    Draining,
    ShutDown,
    TaskAlreadyFinished,
    TaskNotRetryable,
    TaskNotWaiting,
    UnknownTask,
)
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks import records
from backend.services.tasks.cancellation import StopSignal
from backend.services.tasks.eta import Forecast
from backend.services.tasks.outlook import Foresight, Outlook
from backend.services.tasks.queue import Limits, move_task, note_turn, refuse_too_many, take_turns
from backend.services.tasks.runner import Generator, Outcome, PictureStore, TaskRunner
from backend.services.tasks.store import Journal
from backend.services.tasks.watchers import Watchers
from backend.utils.clock import utc_now
from backend.utils.ids import new_id
from backend.utils.log_format import TASK_ID

logger = logging.getLogger(__name__)

_REFUSED = "The disk refuses to store the task; free some space and try again."
_RETRYABLE = (Status.FAILED, Status.CANCELLED, Status.INTERRUPTED)


class TaskManager:
    """Accepts, runs, cancels and remembers tasks."""

    def __init__(
        self,
        generator: Generator,
        store: PictureStore,
        journal: Journal,
        *,
        admit: Callable[[GenerateRequest], None],
        limits: Limits,
        on_finished: Callable[[TaskRecord], None] = lambda _task: None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._generator = generator
        self._journal = journal
        self._admit = admit
        self._limits = limits
        self._on_finished = on_finished
        self.draining = False
        """Whether new tasks are refused while those that wait still run."""
        self._monotonic = monotonic
        self._now = now
        self._make_id = make_id
        forecast = Forecast()
        self._foresight = Foresight(forecast)
        self._runner = TaskRunner(generator, store, forecast)
        self._tasks: dict[str, TaskRecord] = {}
        self._order: tuple[str, ...] = ()
        self._current: str | None = None
        self._served: dict[str, int] = {}
        self._queued_at: dict[str, float] = {}
        self._previews: dict[str, PreviewPixels] = {}
        self._running: StopSignal | None = None
        self._last_progress = 0.0
        self._closing = False
        self._ending = False
        self._unsaved = False
        self._changed = threading.Condition()
        self._watchers = Watchers()
        self._prepared = threading.Event()
        self._worker = threading.Thread(target=self._work, name="generation", daemon=True)

    def start(self) -> None:
        """Takes up the queue of the last run and starts the worker; what was running then is not run again.

        Raises:
            NewerFormat: a newer version of this program wrote the queue; nothing was touched.
        """
        for task in self._journal.read():
            self._tasks[task.id] = records.interrupted(task) if task.status is Status.PROCESSING else task
        self._reorder()
        self._save_if_possible()
        self._worker.start()

    def close(self, timeout_s: float = 6.0) -> bool:
        """Ends the running task at its next step and the worker with it; waiting tasks stay in the journal.

        Returns:
            Whether the worker has ended in time; one that still imports its libraries has nothing to lose.
        """
        with self._changed:
            self._closing = True
            if self._running is not None:
                self._running.stop(ShutDown(records.INTERRUPTED))
            self._changed.notify_all()
        self._watchers.notify()
        self._worker.join(timeout_s if self._prepared.is_set() else 0.0)
        with self._changed:
            if self._unsaved:
                self._save_if_possible()
        return not self._worker.is_alive() or not self._prepared.is_set()

    @property
    def waiting_ids(self) -> tuple[str, ...]:
        """Ids of the tasks that wait, in the order of their turns."""
        return self._order

    @property
    def closing(self) -> bool:
        """Whether the process is about to end."""
        return self._closing or self._ending

    @property
    def alive(self) -> bool:
        """Whether somebody works on the queue, or is not expected to."""
        return self._worker.is_alive() or self._worker.ident is None or self._closing

    def end_streams(self) -> None:
        """Lets those who listen go, so that the process need not wait for them."""
        self._ending = True
        self._watchers.notify()

    # -- for clients -------------------------------------------------------------------------------------------------

    def submit(self, request: GenerateRequest, client: str = LOCAL_CLIENT, idempotency_key: str | None = None) -> str:
        """Queues a request and returns the task's id, once the task is on the disk.

        A key that the same client has used before gives the task of then, as long as that is remembered.

        Raises:
            QueueFull: too many tasks wait.
            Draining: no new tasks are taken.
            IdempotencyMismatch: the key came with another request before.
            DiskFull: the task cannot be stored.
            StudioError: the request was not admitted.
        """
        known = records.find_repeat(self._tasks, client, idempotency_key, request)
        if known is not None:
            return known
        if self.draining:
            raise Draining("The server is about to be restarted and takes no new tasks; try again in a minute.")
        self._admit(request)
        with self._changed:
            if (known := records.find_repeat(self._tasks, client, idempotency_key, request)) is not None:
                return known  # of two at once, the first counts
            running = [self.outlook(task).eta_s for task in self.active()[:1]]
            refuse_too_many(self._waiting(), client, self._limits, retry_after_s=running[0] if running else None)
            task = TaskRecord(
                id=self._make_id(), request=request, client=client, idempotency_key=idempotency_key,
                message="Waiting in the queue", created_at=self._now(),
            )  # fmt: skip
            self._tasks = {**self._tasks, task.id: task}
            try:
                self._save()
            except OSError as error:
                self._tasks = {task_id: other for task_id, other in self._tasks.items() if task_id != task.id}
                raise DiskFull(_REFUSED) from error
            self._queued_at[task.id] = self._monotonic()
            self._reorder()
            self._changed.notify_all()
        self._watchers.notify()
        return task.id

    def retry(self, task_id: str, client: str = LOCAL_CLIENT) -> str:
        """Queues the request of a task that ended without all its pictures once more, as a new task.

        Raises:
            UnknownTask: there is none.
            TaskNotRetryable: it waits, runs or is completed.
            StudioError: as for `submit`.
        """
        task = self.get(task_id)
        if task.status not in _RETRYABLE:
            raise TaskNotRetryable(
                f"This task is {task.status}; only a task that ended without success can be retried."
            )
        return self.submit(task.request, client)

    def get(self, task_id: str) -> TaskRecord:
        """Returns a task as it is now.

        Raises:
            UnknownTask: there is none, or it finished so long ago that it was forgotten.
        """
        task = self._tasks.get(task_id)
        if task is None:
            raise UnknownTask
        return task

    def active(self) -> list[TaskRecord]:
        """Returns the unfinished tasks in the order in which they run."""
        tasks, ids = self._tasks, dict.fromkeys((self._current or "", *self._order))  # one may just change over
        return [tasks[task_id] for task_id in ids if task_id in tasks and not tasks[task_id].status.is_final]

    def finished(self) -> list[TaskRecord]:
        """Returns the finished tasks that are remembered, newest first."""
        return [task for task in reversed(self._tasks.values()) if task.status.is_final]

    def outlook(self, task: TaskRecord) -> Outlook:
        """Tells what is ahead of a task."""
        since_s = self._monotonic() - self._last_progress
        return self._foresight.of(task, self._tasks, self._order, self._tasks.get(self._current or ""), since_s)

    def preview(self, task_id: str) -> tuple[int, PreviewPixels] | None:
        """Returns the number and the pixels of a running task's newest preview; None when there is none.

        Raises:
            UnknownTask: there is no such task.
        """
        task, pixels = self.get(task_id), self._previews.get(task_id)
        return None if pixels is None or task.preview_seq is None else (task.preview_seq, pixels)

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back after every change of any task, on another thread; returns what ends that."""
        return self._watchers.add(callback)

    def cancel(self, task_id: str) -> TaskRecord:
        """Ends a task: at once when it waits, at its next step when it runs; finished pictures stay.

        Raises:
            UnknownTask: there is none.
            TaskAlreadyFinished: there is nothing to end.
        """
        with self._changed:
            task = self.get(task_id)
            if task.status.is_final:
                raise TaskAlreadyFinished(f"This task is {task.status} already; there is nothing to cancel.")
            if task.status is Status.PENDING:
                task = self._finish(task_id, status=Status.CANCELLED, message="Cancelled before it started")
            elif self._running is None:
                raise TaskAlreadyFinished(
                    "The picture is finished and being saved; delete it from the history instead."
                )
            else:
                self._running.stop(Cancelled("Cancelled"))
                task = self._update(task_id, cancelling=True, message="Cancelling")
        self._watchers.notify()
        return task

    def move(self, task_id: str, position: int) -> TaskRecord:
        """Moves a waiting task to a place in the queue, as near as the turns of other clients allow.

        Raises:
            UnknownTask: there is none.
            TaskNotWaiting: it does not wait any more.
        """
        with self._changed:
            task = self.get(task_id)
            if task.status is not Status.PENDING:
                raise TaskNotWaiting(f"This task is {task.status}; only a waiting task can be moved.")
            waiting = move_task(self._waiting(), self._served, task_id, position)
            others = {key: other for key, other in self._tasks.items() if other.status is not Status.PENDING}
            self._tasks = {**others, **{other.id: other for other in waiting}}
            self._reorder()
            self._save_if_possible()
        self._watchers.notify()
        return task

    def forget_finished(self, client: str = LOCAL_CLIENT) -> None:
        """Clears a client's finished tasks from the list; their pictures stay."""
        with self._changed:
            self._tasks = records.without_finished(self._tasks, client)
            self._save_if_possible()
        self._watchers.notify()

    # -- for the runner ----------------------------------------------------------------------------------------------

    def change(self, task_id: str, **changes: object) -> None:
        """Updates the record of the running task; one that is being cancelled keeps its message."""
        with self._changed:
            if self._tasks[task_id].cancelling:
                changes.pop("message", None)
            self._last_progress = self._monotonic()
            self._update(task_id, **changes)
            if "images" in changes:  # a process that is killed now must know of them when it is started again
                self._save_if_possible()
        self._watchers.notify()

    def show(self, task_id: str, preview: PreviewPixels) -> None:
        """Keeps the newest preview of the running task."""
        with self._changed:
            self._previews[task_id] = preview
            self._update(task_id, preview_seq=(self._tasks[task_id].preview_seq or 0) + 1)

    def seal(self, signal: StopSignal) -> None:
        """Ends the task if it was asked to; from here on it saves its last picture, and a cancel is refused."""
        with self._changed:
            signal.check()
            self._running = None

    # -- the worker --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            self._generator.prepare()
        except Exception:  # the first task will meet the same fault and report it
            logger.exception("the generator could not be prepared")
        self._prepared.set()
        while self._wait_for_next():
            taken = self._take_next()
            self._watchers.notify()
            if taken is None:
                continue
            token = TASK_ID.set(taken[0].id)
            self._end(taken[0].id, self._runner.run(*taken, self))
            TASK_ID.reset(token)

    def _wait_for_next(self) -> bool:
        with self._changed:
            while not self._closing and not self._order:
                self._changed.wait()
            return not self._closing

    def _take_next(self) -> tuple[TaskRecord, StopSignal] | None:
        """Starts the next task; None when it is gone by now, or cannot be started."""
        with self._changed:
            if self._closing or not self._order:
                return None
            task = self._tasks[self._order[0]]
            self._served = note_turn(self._served, task.client)
            began = self._last_progress = self._monotonic()
            signal = self._running = StopSignal(began + self._limits.timeout_s, self._monotonic, self._limits.timeout_s)
            queued_at = self._queued_at.pop(task.id, None)
            timings = Timings(queued_s=None if queued_at is None else round(began - queued_at, 4))
            self._current = task.id
            task = self._update(task.id, status=Status.PROCESSING, message="Starting", timings=timings)
            self._reorder()
            try:
                self._save()
            except OSError as error:  # after a crash the disk would say that it waits, and it would run once more
                logger.error("task %s is not started, the queue could not be saved: %s", task.id, error)
                self._running = None
                self._finish(task.id, status=Status.FAILED, message="Failed", error=_REFUSED, error_code=DiskFull.code)
                return None
        logger.info("task %s started", task.id)
        return task, signal

    def _end(self, task_id: str, outcome: Outcome) -> None:
        changes: dict[str, object] = {"images": outcome.images, "timings": outcome.timings}
        if outcome.status is Status.COMPLETED:
            changes["step"] = 0
        elif outcome.status is not Status.CANCELLED and outcome.error is not None:
            changes |= {"error": str(outcome.error), "error_code": outcome.error.code}
        with self._changed:
            self._running = None
            self._finish(task_id, status=outcome.status, message=outcome.message, **changes)
        self._watchers.notify()

    # -- the records; the caller holds the lock ----------------------------------------------------------------------

    def _waiting(self) -> list[TaskRecord]:
        return [task for task in self._tasks.values() if task.status is Status.PENDING]

    def _reorder(self) -> None:
        self._order = tuple(task.id for task in take_turns(self._waiting(), self._served))

    def _update(self, task_id: str, **changes: object) -> TaskRecord:
        self._tasks[task_id] = task = self._tasks[task_id].model_copy(update=changes)
        return task

    def _finish(self, task_id: str, **changes: object) -> TaskRecord:
        task = self._tasks[task_id].model_copy(update={**changes, "cancelling": False, "preview_seq": None})
        logger.info("task %s %s", task_id, task.status)
        try:
            self._on_finished(task)
        except Exception:  # it only counts; the queue goes on
            logger.exception("task %s could not be counted", task_id)
        self._tasks = records.with_finished(self._tasks, task, self._limits.kept_finished)  # new: readers hold no lock
        self._current = None if task_id == self._current else self._current
        self._previews.pop(task_id, None)
        self._queued_at.pop(task_id, None)
        self._reorder()
        self._save_if_possible()
        return task

    def _save(self) -> None:
        self._unsaved = True
        self._journal.write(self._tasks.values())
        self._unsaved = False

    def _save_if_possible(self) -> None:
        """Saves a change that holds even if the disk is full: at worst a restart tells an older state of the task."""
        try:
            self._save()
        except OSError as error:
            logger.error("the queue could not be saved: %s", error)
