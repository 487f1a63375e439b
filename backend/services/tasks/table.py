"""All tasks that are known: their records, the order of those that wait, and what the disk has of it."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable

from backend.models.schemas import Status
from backend.services.generation.job import Job
from backend.services.tasks import records
from backend.services.tasks.queue import Rearrange, note_turn, take_turns
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.store import Journal

logger = logging.getLogger(__name__)


class TaskTable:
    """Whoever changes it holds `changed`; whoever reads records needs no lock, for they are immutable."""

    def __init__(
        self,
        journal: Journal,
        kept_finished: int,
        on_finished: Callable[[TaskRecord], None],
        notify: Callable[[], None],
    ) -> None:
        self._journal = journal
        self._kept_finished = kept_finished
        self._on_finished = on_finished
        self.notify = notify
        """Tells those who watch; called without the lock."""
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.on_waiting: Callable[[], None] = lambda: None
        """Called under the lock when a task waits that did not."""
        self.tasks: dict[str, TaskRecord] = {}
        self.waiting: tuple[TaskRecord, ...] = ()
        """In the order of their turns; another tuple after every change."""
        self._served: dict[str, int] = {}
        self.is_stored = True
        """Whether the disk has taken the last change."""

    def open(self) -> None:
        """Takes up the tasks of the last run; what was running then is not run again.

        Raises:
            NewerFormat: a newer version of this program wrote them; nothing was touched.
        """
        with self.changed:
            tasks = {task.id: task for task in self._journal.read()}
            for task in [task for task in tasks.values() if task.status is Status.PROCESSING]:
                tasks = records.with_finished(tasks, records.interrupted(task))
                self._tell_finished(tasks[task.id])
            self.tasks = records.without_oldest(tasks, self._kept_finished)
            self._reorder()
            self.save_if_possible()

    def close(self) -> None:
        """Tries once more to save what could not be saved."""
        if not self.is_stored:
            self.save_if_possible()

    def pending(self) -> list[TaskRecord]:
        """Returns the waiting tasks in the order in which their clients want them."""
        return [task for task in self.tasks.values() if task.status is Status.PENDING]

    def add(self, task: TaskRecord) -> None:
        """Adds a waiting task; nobody sees it before it is on the disk.

        Raises:
            OSError: it cannot be stored, and was not added.
        """
        self._store_first({**self.tasks, task.id: records.with_clean_texts(task)})
        self.on_waiting()

    def update(self, task_id: str, **changes: object) -> TaskRecord:
        """Replaces a record by one with changes."""
        return self.put(self.tasks[task_id].model_copy(update=changes))

    def put(self, task: TaskRecord) -> TaskRecord:
        """Replaces the record of a task that does not wait."""
        task = self.tasks[task.id] = records.with_clean_texts(task)
        return task

    def decide(self, task_id: str, job: Job) -> TaskRecord:
        """Gives a waiting task of an older version the job that its request means."""
        task = self.update(task_id, job=job)
        self._reorder()
        return task

    def start(self, task_id: str, **changes: object) -> None:
        """Takes a task out of those that wait; its client's next turn comes after everybody else's.

        Raises:
            OSError: it cannot be stored, and the task still waits: after a crash it would be run once more.
        """
        changes = {"status": Status.PROCESSING, "queued_at": None, **changes}
        task = records.with_clean_texts(self.tasks[task_id].model_copy(update=changes))
        self._store_first({**self.tasks, task_id: task})
        self._served = note_turn(self._served, task.client)
        self._reorder()

    def requeue(self, task_id: str, **changes: object) -> TaskRecord:
        """Lets a task that has started wait again, at its old place among those of its client."""
        task = self.update(task_id, status=Status.PENDING, **changes)
        self._reorder()
        self.save_if_possible()
        self.on_waiting()
        return task

    def finish(self, task_id: str, **changes: object) -> TaskRecord:
        """Ends a task, and forgets the oldest ended ones beyond the number that is kept."""
        return self.finish_all([task_id], **changes)[0]

    def finish_all(self, task_ids: Iterable[str], **changes: object) -> list[TaskRecord]:
        """Ends tasks with one write, each as `finish` does."""
        changes = {**changes, "cancelling": False, "preview_seq": None, "workers": ()}
        ended = [records.with_clean_texts(self.tasks[task_id].model_copy(update=changes)) for task_id in task_ids]
        for task in ended:
            logger.info("task %s %s", task.id, task.status)
            self._tell_finished(task)
        tasks = records.with_finished(self.tasks, *ended)
        self.tasks = records.without_oldest(tasks, self._kept_finished)  # new: readers hold no lock
        self._reorder()
        self.save_if_possible()
        return ended

    def _tell_finished(self, task: TaskRecord) -> None:
        """Tells it before the disk knows: after a crash between the two it is told again, rather than never."""
        try:
            self._on_finished(task)
        except Exception:  # it only counts; the queue goes on
            logger.exception("task %s could not be counted", task.id)

    def rearrange(self, rearrange: Rearrange) -> None:
        """Gives the waiting tasks another order."""
        waiting = rearrange(self.pending(), self._served)
        others = {key: other for key, other in self.tasks.items() if other.status is not Status.PENDING}
        self.tasks = {**others, **{other.id: other for other in waiting}}
        self._reorder()
        self.save_if_possible()

    def forget_finished(self, client: str) -> None:
        """Forgets a client's finished tasks."""
        self.tasks = records.without_finished(self.tasks, client)
        self.save_if_possible()

    def save_if_possible(self) -> None:
        """Saves a change that holds even if the disk is full: at worst a restart tells an older state of the task."""
        try:
            self._write(self.tasks)
        except (OSError, ValueError) as error:  # a ValueError says that a record cannot be written as JSON
            logger.error("the queue could not be saved: %s", error)

    def _store_first(self, tasks: dict[str, TaskRecord]) -> None:
        """Lets others see a change when it is on the disk."""
        self._write(tasks)
        self.tasks = tasks
        self._reorder()

    def _write(self, tasks: dict[str, TaskRecord]) -> None:
        was_stored, self.is_stored = self.is_stored, False
        self._journal.write(tasks.values())
        self.is_stored = True
        if not was_stored:
            logger.info("the queue is saved again")
            self.changed.notify_all()  # who waited for the disk tries again

    def _reorder(self) -> None:
        self.waiting = tuple(take_turns(self.pending(), self._served))
