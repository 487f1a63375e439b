"""Runs one task: picture after picture, each in the history as soon as it is ready."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field, fields
from typing import Protocol

from backend.models.schemas import MAX_SEED, GenerateRequest, ImageRecord, Status, TaskRecord, Timings
from backend.services.errors import Cancelled, ShutDown, Stopped, StudioError
from backend.services.generation.engines.base import count_forwards
from backend.services.generation.preview import PreviewPixels
from backend.services.generator import GeneratedImage, OnProgress, Phase, PhaseTimes, Progress
from backend.services.tasks.cancellation import StopSignal
from backend.services.tasks.eta import Forecast

logger = logging.getLogger(__name__)


class Generator(Protocol):
    """Draws pictures, on the worker thread only."""

    def prepare(self) -> None:
        """Does once what need not wait for the first task."""

    def generate(self, request: GenerateRequest, on_progress: OnProgress) -> GeneratedImage:
        """Draws one picture; what `on_progress` raises ends it."""


class PictureStore(Protocol):
    """Keeps pictures."""

    def add(self, generated: GeneratedImage, client: str) -> ImageRecord:
        """Saves a picture that a client has asked for; returns when it is on the disk."""


class Desk(Protocol):
    """What a running task may tell the task manager."""

    def change(self, task_id: str, **changes: object) -> None:
        """Updates the record of the running task."""

    def show(self, task_id: str, preview: PreviewPixels) -> None:
        """Keeps the newest preview."""

    def seal(self, signal: StopSignal) -> None:
        """Ends the task if it was asked to; from here on it saves its last picture, and a cancel is refused."""


@dataclass(frozen=True)
class Outcome:
    """How a task ended."""

    status: Status
    message: str
    error: StudioError | None = None
    images: tuple[ImageRecord, ...] = ()
    timings: Timings = field(default_factory=Timings)


class TaskRunner:
    """Runs tasks on the thread that calls it."""

    def __init__(self, generator: Generator, store: PictureStore, forecast: Forecast) -> None:
        self._generator = generator
        self._store = store
        self._forecast = forecast

    def run(self, task: TaskRecord, signal: StopSignal, desk: Desk) -> Outcome:
        """Draws and saves the pictures of a task; never raises.

        Pictures that were saved before it failed or was cancelled stay.
        """
        run = _Run(task, signal, desk, self._generator, self._store, self._forecast)
        try:
            return run.draw_all()
        except Stopped as reason:
            return run.outcome(_status_after(reason), str(reason), reason)
        except StudioError as error:
            logger.warning("task %s failed (%s): %s", task.id, error.code, error, exc_info=error.__cause__)
            return run.outcome(Status.FAILED, "Failed", error)
        except Exception as error:  # anything else is a fault of ours: the queue goes on, the log has the traceback
            logger.exception("task %s failed", task.id)
            unexpected = StudioError(f"An unexpected error ({type(error).__name__}) ended this task; the log has more.")
            return run.outcome(Status.FAILED, "Failed", unexpected)


class _Run:
    """The state of one running task."""

    def __init__(
        self, task: TaskRecord, signal: StopSignal, desk: Desk, generator: Generator, store: PictureStore,
        forecast: Forecast,
    ) -> None:  # fmt: skip
        self._task = task
        self._signal = signal
        self._desk = desk
        self._generator = generator
        self._store = store
        self._forecast = forecast
        self._images: tuple[ImageRecord, ...] = ()
        self._timings = task.timings
        self._before = task.timings
        self._began = 0.0
        self._first_seed = task.request.seed

    def draw_all(self) -> Outcome:
        request, spent_ms, note = self._task.request, 0.0, ""
        for index in range(request.num_images):
            generated = self._generator.generate(self._one_of(request, index), self._on_progress)
            if index == 0:
                self._first_seed = generated.seed
            self._timings = _add(self._before, generated.times)
            self._signal.check()
            if index == request.num_images - 1:
                self._desk.seal(self._signal)
            self._save(generated)
            spent_ms, note = spent_ms + generated.generation_time_ms, generated.note
        message = f"Completed in {spent_ms / 1000:.1f} s"
        return self.outcome(Status.COMPLETED, f"{message}; {note}" if note else message)

    def outcome(self, status: Status, message: str, error: StudioError | None = None) -> Outcome:
        return Outcome(status, message, error, self._images, self._timings)

    def _one_of(self, request: GenerateRequest, index: int) -> GenerateRequest:
        """The seeds of a task count up from its first one, which may have been drawn."""
        seed = None if self._first_seed is None else (self._first_seed + index) % (MAX_SEED + 1)
        return request.model_copy(update={"seed": seed, "num_images": 1})

    def _save(self, generated: GeneratedImage) -> None:
        started = time.perf_counter()
        self._images = (*self._images, self._store.add(generated, self._task.client))
        save_s = time.perf_counter() - started
        self._timings = self._before = _add_seconds(self._timings, "save_s", save_s)
        times, request = generated.times, self._task.request
        if times.denoise_s is not None:
            around_s = (times.encode_s or 0) + (times.decode_s or 0) + save_s
            self._forecast.learn(request, count_forwards(request.num_inference_steps), times.denoise_s, around_s)
        if len(self._images) < request.num_images:
            self._desk.change(self._task.id, images=self._images, step=0, timings=self._timings)

    def _on_progress(self, progress: Progress) -> None:
        self._signal.check()
        self._timings = _add(self._before, progress.times)
        if progress.preview is not None:
            self._desk.show(self._task.id, progress.preview)
        if progress.phase is Phase.LOADING:
            self._desk.change(self._task.id, message=progress.note)
            return
        if progress.forwards_done == 0:
            self._began = time.perf_counter()
        else:
            self._forecast.guess(self._task.request, progress.forwards_done, time.perf_counter() - self._began)
        step = min(progress.forwards_done, self._task.steps - 1)  # the last step is the picture on the disk
        words = self._words(step)
        message = f"{words}; {progress.note}" if progress.note else words
        self._desk.change(self._task.id, step=step, message=message, timings=self._timings)

    def _words(self, step: int) -> str:
        words, pictures = f"Step {step} of {self._task.steps}", self._task.request.num_images
        return words if pictures == 1 else f"Picture {len(self._images) + 1} of {pictures}: {words.lower()}"


def _add(before: Timings, times: PhaseTimes) -> Timings:
    for phase in fields(times):
        before = _add_seconds(before, phase.name, getattr(times, phase.name))
    return before


def _add_seconds(timings: Timings, name: str, seconds: float | None) -> Timings:
    if seconds is None:
        return timings
    return timings.model_copy(update={name: round((getattr(timings, name) or 0.0) + seconds, 4)})


def _status_after(reason: Stopped) -> Status:
    if isinstance(reason, Cancelled):
        return Status.CANCELLED
    return Status.INTERRUPTED if isinstance(reason, ShutDown) else Status.FAILED
