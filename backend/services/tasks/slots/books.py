"""Folds what happens in the slots into the records of the tasks, and saves the images."""

from __future__ import annotations

import logging
from collections.abc import Callable

from backend.services.errors import DeviceFault, StudioError
from backend.services.generation.events import Drawn, Ended, JobEvent, Loaded, Partial, Preview, Step
from backend.services.tasks import fold
from backend.services.tasks.eta import EtaModel
from backend.services.tasks.image_store import ImageStore
from backend.services.tasks.records import TaskRecord
from backend.services.tasks.slots.affinity import Batch
from backend.services.tasks.slots.running import Part, Running
from backend.services.tasks.slots.turns import Turns
from backend.services.tasks.table import TaskTable

logger = logging.getLogger(__name__)


class Books:
    """What runs, and how it goes; told on the threads of the slots."""

    def __init__(
        self,
        table: TaskTable,
        store: ImageStore,
        eta_model: EtaModel,
        turns: Turns,
        *,
        is_shared: Callable[[], bool],
        monotonic: Callable[[], float],
    ) -> None:
        """Knows of nothing that runs.

        Args:
            table: All tasks.
            store: Keeps the images.
            eta_model: Learns how long they take.
            turns: Is told what is in the memory of the slots, and of images that others may draw.
            is_shared: Tells whether several slots may draw one task.
            monotonic: The queue's clock.
        """
        self._table = table
        self._store = store
        self._eta_model = eta_model
        self._turns = turns
        self._is_shared = is_shared
        self._monotonic = monotonic
        self.running: dict[str, Running] = {}
        """What runs now, by the ids of the tasks."""

    def add(self, running: Running) -> None:
        """Notes that a task runs."""
        self.running = {**self.running, running.task_id: running}  # new: readers hold no lock

    def begin(self, running: Running, slot: str) -> Part | None:
        """Gives a slot what is next of a task; None if nothing is left."""
        part = running.begin(slot, self._monotonic(), is_shared=self._shares(running))
        self._note_slots(running)
        return part

    def batches(self) -> list[Batch]:
        """Returns what runs, in the order of the starts; nothing where nobody can help."""
        if not any(running.unbegun for running in self.running.values()):
            return []
        return [
            Batch(self._table.tasks[key], 0 if running.ends() else len(running.unbegun), len(running.parts))
            for key, running in self.running.items()
        ]

    def take_in(self, running: Running, part: Part, event: JobEvent) -> None:
        """Takes in an event of a part, on the thread of its slot."""
        match event:
            case Drawn():
                self._keep(running, part, event)
            case Ended():
                self._end(running, part, event)
            case _:
                self._note(running, part, event)
        if not isinstance(event, Preview | Partial):  # the step that follows tells of it
            self._table.notify()

    def _note(self, running: Running, part: Part, event: JobEvent) -> None:
        with self._table.changed:
            self._end_phase(running, part, fold.phase_before(event))
            match event:
                case Preview() if part is not running.lead:
                    return
                case Preview():
                    running.preview = event.pixels
                case Partial():
                    running.partials = (*running.partials, event)
                case Loaded():
                    part.is_loaded = True
                    self._turns.load(part.slot, part.job)
                    part.job = part.job.model_copy(update={"use_gpu": event.use_gpu})
                    running.job = running.job.model_copy(update={"use_gpu": event.use_gpu})
                case Step():
                    part.step = min(event.done, part.job.recipe.forwards)
                    if 0 < event.done < event.total:
                        self._eta_model.guess(part.job, event.done, part.heard_at - part.lap_at)
            self._table.put(fold.with_event(self._table.tasks[running.task_id], event, running.steps_beside(part)))

    def _keep(self, running: Running, part: Part, drawn: Drawn) -> None:
        """Saves an image, unless the task was told to end meanwhile; 100 % means that it is on the disk."""
        with self._table.changed:
            self._end_phase(running, part, fold.phase_before(drawn))
            task = self._table.tasks[running.task_id]
            if running.ends():
                return
            part.end_image()
            running.n_left -= 1
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
            self._end_phase(running, part, "save_s")
            self._learn(part)
            self._table.put(fold.with_image(self._table.tasks[task.id], image, running.steps_beside(part)))
            running.partials = ()
            if not running.all_drawn:  # a process that is killed now must know of it when it is started again
                self._table.save_if_possible()

    def _end(self, running: Running, part: Part, event: Ended) -> None:
        failure = part.failure or (StudioError.of(event.code, event.message) if event.code else None)
        with self._table.changed:
            task = self._table.tasks[running.task_id]
            running.leave(part)
            if fold.is_loss(failure) or (failure is not None and failure.code == DeviceFault.code):
                self._turns.unload(part.slot)
            if failure is None and not part.n_left:
                part.next = running.go_on(part.slot, self._monotonic(), is_shared=self._shares(running))
            elif self._is_drawn_again(task, running, part, failure):
                logger.warning("an image of task %s is drawn again: %s", task.id, failure)
                if part.n_left:
                    self._table.put(task.model_copy(update=fold.after_loss(task, part.index)))
                running.put_back(part)
            else:
                running.stop(failure)
            self._note_slots(running)
            if not running.parts:
                self._conclude(running, failure)
            elif running.unbegun:
                self._turns.ring()

    def _shares(self, running: Running) -> bool:
        """Tells whether others may help; not where each image is shown while it is drawn, one after the other."""
        return self._is_shared() and not running.job.partial_images

    def _note_slots(self, running: Running) -> None:
        self._table.update(running.task_id, workers=tuple(running.parts))

    def _is_drawn_again(self, task: TaskRecord, running: Running, part: Part, failure: StudioError | None) -> bool:
        """Tells whether what a part has not drawn goes to another slot; a part with images keeps to what is there."""
        if running.ends() or not fold.is_loss(failure):
            return False
        return not part.n_left or (not part.n_drawn and fold.draws_again(task, part.index))

    def _conclude(self, running: Running, failure: StudioError | None) -> None:
        """Ends a task that nobody draws any more, or lets it wait for a worker when something is left of it."""
        task = self._table.tasks[running.task_id]
        try:
            if failure is not None and running.unbegun and not running.ends():
                logger.warning("task %s waits again: %s", task.id, failure)
                again = fold.waiting_again(task, failure)
                self._table.requeue(task.id, queued_at=self._monotonic(), **again)
            else:
                self._table.finish(task.id, **fold.outcome(task, running.failure, running.cancellation.reason))
        finally:
            self.running = {key: other for key, other in self.running.items() if key != running.task_id}
            self._turns.forget()

    def _end_phase(self, running: Running, part: Part, phase: str | None) -> None:
        part.heard_at = self._monotonic()
        if phase is not None:
            seconds = part.end_phase(phase)
            self._table.put(fold.with_phase(self._table.tasks[running.task_id], phase, seconds))

    def _learn(self, part: Part) -> None:
        """Learns from the phases of an image; how long loading took says nothing of the next one."""
        phases = {name: seconds for name, seconds in part.phases.items() if name != "load_s"}
        part.phases.clear()
        if "denoise_s" in phases and not part.job.partial_images:
            denoise_s = phases.pop("denoise_s")
            self._eta_model.learn(part.job, denoise_s, sum(phases.values()))
