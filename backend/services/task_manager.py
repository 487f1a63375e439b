"""The queue: clients submit, watch, move and cancel; workers run what waits; everybody reads immutable records."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from backend.models.schemas import LOCAL_CLIENT, Door, GenerateRequest, Status
from backend.services.errors import (
    Cancelled,
    DiskFull,
    Draining,
    TaskAlreadyFinished,
    TaskNotRetryable,
    TaskNotWaiting,
    UnknownTask,
)
from backend.services.generation.events import Partial
from backend.services.generation.job import Job
from backend.services.generation.preview import PreviewPixels
from backend.services.tasks.eta import Busy, EtaModel, QueueEtas
from backend.services.tasks.executors.base import Executor
from backend.services.tasks.image_store import ImageStore
from backend.services.tasks.queue import Limits, Rearrange, move_task, move_task_by, refuse_too_many
from backend.services.tasks.records import TaskRecord, find_repeat
from backend.services.tasks.slots.workers import DISK_REFUSES, Workers
from backend.services.tasks.store import Journal
from backend.services.tasks.table import TaskTable
from backend.services.tasks.watchers import Watchers
from backend.utils.clock import utc_now
from backend.utils.ids import new_id

WAITING = "Waiting in the queue"
DRAINING = "The server is about to be restarted and takes no new tasks; try again in a minute."
_CANCELLED_EARLY = {"status": Status.CANCELLED, "message": "Cancelled while it waited"}
_RETRYABLE = (Status.FAILED, Status.CANCELLED, Status.INTERRUPTED)


class RequestResolver(Protocol):
    """Decides what a request leaves open."""

    def complete(self, request: GenerateRequest) -> GenerateRequest:
        """Fills in the defaults."""

    def resolve(self, request: GenerateRequest) -> Job:
        """Returns the job that a complete request means."""


class TaskManager:
    """Accepts, runs, cancels and remembers tasks."""

    def __init__(
        self,
        executor: Executor,
        store: ImageStore,
        journal: Journal,
        resolver: RequestResolver,
        *,
        admit: Callable[[GenerateRequest, Job], None],
        limits: Limits,
        on_finished: Callable[[TaskRecord], None] = lambda _task: None,
        check_callback: Callable[[str | None, str], None] = lambda _url, _client: None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        make_id: Callable[[], str] = new_id,
    ) -> None:
        self._store = store
        self._resolver = resolver
        self._admit = admit
        self._check_callback = check_callback
        self._limits = limits
        self._monotonic = monotonic
        self._now = now
        self._make_id = make_id
        self.draining = False
        """Whether new tasks are refused while those that wait still run."""
        self._ending = False
        self._watchers = Watchers()
        eta_model = EtaModel()
        self._etas = QueueEtas(eta_model, lambda slot, job: self._workers.turns.takes(slot, job))
        self._table = TaskTable(journal, limits.kept_finished, on_finished, self._watchers.notify)
        self._workers = Workers(
            self._table,
            executor,
            store,
            eta_model,
            resolver.resolve,
            timeout_s=limits.timeout_s,
            idle_unload_s=limits.idle_unload_s,
            monotonic=monotonic,
        )

    def start(self) -> None:
        """Takes up the queue of the last run and starts the workers; what was running then is not run again.

        Raises:
            NewerFormat: a newer version of this program wrote the queue; nothing was touched.
        """
        self._table.open()
        self._workers.start()

    def close(self, timeout_s: float = 6.0) -> bool:
        """Ends the running tasks at their next steps; waiting tasks stay in the journal.

        Returns:
            Whether the workers have ended in time; one that still imports its libraries has nothing to lose.
        """
        has_ended = self._workers.close(timeout_s)
        with self._table.changed:
            self._table.close()
        return has_ended

    def free_memory(self) -> None:
        """Frees the memory of the models, each as soon as no task needs it."""
        self._workers.free()

    def drain_worker(self, slot: str, *, is_drained: bool) -> None:
        """Lets a worker take no more tasks, or take them again; what runs there goes on.

        Raises:
            UnknownWorker: there is no such worker.
        """
        self._workers.drain(slot, is_drained=is_drained)
        self._watchers.notify()

    @property
    def drained_workers(self) -> frozenset[str]:
        """Workers that take no more tasks."""
        return self._workers.turns.drained

    @property
    def running_ids(self) -> dict[str, str]:
        """Ids of the tasks that run, by their workers."""
        return {slot: task_id for task_id, run in self._workers.books.running.items() for slot in run.parts}

    @property
    def waiting_ids(self) -> tuple[str, ...]:
        """Ids of the tasks that wait, in the order of their turns."""
        return tuple(task.id for task in self._table.waiting)

    @property
    def inputs_in_use(self) -> set[str]:
        """Ids of the inputs of all tasks that are known, of which one may be run again."""
        return {input_id for task in list(self._table.tasks.values()) for input_id in task.request.input_ids}

    @property
    def closing(self) -> bool:
        """Whether the process is about to end."""
        return self._workers.closing or self._ending

    @property
    def alive(self) -> bool:
        """Whether somebody works on the queue, or is not expected to."""
        return self._workers.alive

    def can_store(self) -> bool:
        """Tells whether the disk takes the queue; tries again if it has not taken the last change."""
        with self._table.changed:
            if not self._table.is_stored:
                self._table.save_if_possible()
            return self._table.is_stored

    def end_streams(self) -> None:
        """Lets those who listen go, so that the process need not wait for them."""
        self._ending = True
        self._watchers.notify()

    def submit(
        self,
        request: GenerateRequest,
        client: str = LOCAL_CLIENT,
        idempotency_key: str | None = None,
        door: Door | None = None,
        partial_images: int = 0,
    ) -> str:
        """Queues a request and returns the task's id, once the task is on the disk.

        A key that the same client has used before gives the task of then, as long as that is remembered. While it is
        drawn, each image is shown `partial_images` times in full size; see `partials`.

        Raises:
            QueueFull: too many tasks wait.
            Draining: no new tasks are taken.
            IdempotencyMismatch: the key came with another request before.
            DiskFull: the task cannot be stored.
            StudioError: the request was not admitted.
        """
        request = self._resolver.complete(request)
        known = find_repeat(self._table.tasks, client, idempotency_key, request)
        if known is not None:
            return known
        if self.draining:
            raise Draining(DRAINING)
        self._check_callback(request.callback_url, client)
        job = self._resolver.resolve(request).model_copy(update={"partial_images": partial_images})
        self._admit(request, job)
        return self._queue(
            TaskRecord(
                id=self._make_id(), request=request, job=job, client=client, door=door,
                idempotency_key=idempotency_key, message=WAITING, created_at=self._now(), queued_at=self._monotonic(),
            )
        )  # fmt: skip

    def _queue(self, task: TaskRecord) -> str:
        with self._table.changed:
            known = find_repeat(self._table.tasks, task.client, task.idempotency_key, task.request)
            if known is not None:
                return known  # of two at once, the first counts
            refuse_too_many(self._table.pending(), task.client, self._limits, self._seconds_to_free_slot)
            try:
                self._table.add(task)
            except OSError as error:
                raise DiskFull(DISK_REFUSES) from error
        self._watchers.notify()
        return task.id

    def retry(self, task_id: str, client: str = LOCAL_CLIENT) -> str:
        """Queues the request of a task that ended without all its pictures once more, as a new task.

        Of a client's own task, only the pictures are drawn that are not there: the others are the new task's too.

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
        if client != task.client:
            return self.submit(task.request.model_copy(update={"callback_url": None}), client)
        images = tuple(image for image in task.images if self._store.keeps(image.id))
        if task.job is None or len(images) in (0, task.request.num_images):
            return self.submit(task.request, client)
        if self.draining:
            raise Draining(DRAINING)
        self._check_callback(task.request.callback_url, client)
        use_gpu = self._resolver.resolve(task.request).use_gpu  # a card may have gone or come
        job = task.job.model_copy(update={"use_gpu": use_gpu, "partial_images": 0})
        self._admit(task.request, job)
        return self._queue(
            TaskRecord(
                id=self._make_id(), request=task.request, job=job, client=client, images=images, message=WAITING,
                created_at=self._now(), queued_at=self._monotonic(),
            )
        )  # fmt: skip

    def get(self, task_id: str) -> TaskRecord:
        """Returns a task as it is now.

        Raises:
            UnknownTask: there is none, or it finished so long ago that it was forgotten.
        """
        task = self._table.tasks.get(task_id)
        if task is None:
            raise UnknownTask
        return task

    def active(self) -> list[TaskRecord]:
        """Returns the unfinished tasks in the order in which they run."""
        waiting = self._table.waiting  # before the others: what starts meanwhile is in both, not in none
        running = [task for task in self._table.tasks.values() if task.status is Status.PROCESSING]
        ids = {task.id for task in (*running, *waiting)}
        again = [task for task in self._table.waiting if task.id not in ids]  # it ran, and has come to wait meanwhile
        ids = {task.id for task in running}
        return running + [task for task in (*waiting, *again) if task.id not in ids]

    def finished(self) -> list[TaskRecord]:
        """Returns the finished tasks that are remembered, newest first."""
        return [task for task in reversed(self._table.tasks.values()) if task.status.is_final]

    def position_and_eta(self, task: TaskRecord) -> tuple[int | None, float | None]:
        """Returns how many tasks run before one that waits, and the seconds to its end; None where not known."""
        if task.status.is_final:
            return None, None
        tasks = self._table.tasks
        running = [
            Busy(slot, tasks[key], run.heard_at, len(parts))
            for key, run in self._workers.books.running.items()
            if key in tasks
            for parts in (run.parts,)  # once: another thread may replace it meanwhile
            for slot in parts
        ]
        slots = [slot for slot in self._workers.slots if slot not in self.drained_workers]
        return self._etas.position_and_eta(task, self._table.waiting, running, slots, self._monotonic())

    def preview(self, task_id: str) -> tuple[int, PreviewPixels] | None:
        """Returns the number and the pixels of a running task's newest preview; None when there is none.

        Raises:
            UnknownTask: there is no such task.
        """
        task, running = self.get(task_id), self._workers.books.running.get(task_id)
        if running is None or running.preview is None or task.preview_seq is None:
            return None
        return task.preview_seq, running.preview

    def partials(self, task_id: str) -> tuple[Partial, ...]:
        """Returns the partial images, so far, of the image that a task is drawing."""
        running = self._workers.books.running.get(task_id)
        return () if running is None else running.partials

    def watch(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back after every change of any task, on another thread; returns what ends that."""
        return self._watchers.add(callback)

    def cancel(self, task_id: str) -> TaskRecord:
        """Ends a task: at once when it waits, at its next step when it runs; finished pictures stay.

        Raises:
            UnknownTask: there is none.
            TaskAlreadyFinished: there is nothing to end.
        """
        with self._table.changed:
            task = self.get(task_id)
            if task.status.is_final:
                raise TaskAlreadyFinished(f"This task is {task.status} already; there is nothing to cancel.")
            if task.status is Status.PENDING:
                task = self._table.finish(task_id, **_CANCELLED_EARLY)
            elif (running := self._workers.books.running[task_id]).all_drawn:
                raise TaskAlreadyFinished(
                    "The picture is finished and being saved; delete it from the history instead."
                )
            else:
                running.cancellation.request(Cancelled("Cancelled"))
                task = self._table.update(task_id, cancelling=True, message="Cancelling")
        self._watchers.notify()
        return task

    def cancel_waiting(self, client: str = LOCAL_CLIENT) -> list[TaskRecord]:
        """Ends all waiting tasks of a client at once; returns them in the order in which they would have run."""
        with self._table.changed:
            ids = [task.id for task in self._table.waiting if task.client == client]
            ended = self._table.finish_all(reversed(ids), **_CANCELLED_EARLY) if ids else []
        self._watchers.notify()
        return ended[::-1]

    def move(self, task_id: str, position: int) -> TaskRecord:
        """Moves a waiting task to a place in the queue, as near as the turns of other clients allow.

        Raises:
            UnknownTask: there is none.
            TaskNotWaiting: it does not wait any more.
        """
        return self._rearrange(task_id, lambda waiting, served: move_task(waiting, served, task_id, position))

    def move_by(self, task_id: str, places: int) -> TaskRecord:
        """Moves a waiting task by some places among those of its client; raises as `move` does."""
        return self._rearrange(task_id, lambda waiting, _: move_task_by(waiting, task_id, places))

    def _rearrange(self, task_id: str, rearrange: Rearrange) -> TaskRecord:
        with self._table.changed:
            task = self.get(task_id)
            if task.status is not Status.PENDING:
                raise TaskNotWaiting(f"This task is {task.status}; only a waiting task can be moved.")
            self._table.rearrange(rearrange)
        self._watchers.notify()
        return task

    def forget_finished(self, client: str = LOCAL_CLIENT) -> None:
        """Clears a client's finished tasks from the list; their pictures stay."""
        with self._table.changed:
            self._table.forget_finished(client)
        self._watchers.notify()

    def _seconds_to_free_slot(self) -> float | None:
        """Returns the seconds until something that runs ends, if that can be told."""
        etas = [self.position_and_eta(self.get(task_id))[1] for task_id in self._workers.books.running]
        return min((eta for eta in etas if eta is not None), default=None)
