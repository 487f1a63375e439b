"""The fold of a task's events into its record. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence

from backend.models.schemas import ImageRecord, Status, Timings
from backend.services.errors import Cancelled, ShutDown, StudioError, WorkerLost
from backend.services.generation.events import Drawn, JobEvent, Loaded, Loading, Preview, Step
from backend.services.tasks.records import TaskRecord


def phase_before(event: JobEvent) -> str | None:
    """Names the field of `Timings` for the phase that an event ends, if it ends one."""
    match event:
        case Loaded():
            return "load_s"
        case Step(done=0):
            return "encode_s"
        case Step(done=done, total=total) if done == total:
            return "denoise_s"
        case Drawn():
            return "decode_s"
    return None


def with_phase(task: TaskRecord, phase: str, seconds: float) -> TaskRecord:
    """Adds a phase of one image to the times of the task."""
    total_s = round((getattr(task.timings, phase) or 0.0) + seconds, 4)
    return task.model_copy(update={"timings": task.timings.model_copy(update={phase: total_s})})


def with_event(task: TaskRecord, event: JobEvent, beside: Sequence[int] = ()) -> TaskRecord:
    """Folds the progress of a running task into its record; one that is being cancelled keeps its message.

    Args:
        task: Its record so far.
        event: What has happened to an image.
        beside: Finished steps of the other images that are drawn meanwhile.
    """
    changes: dict[str, object] = {}
    match event:
        case Loading(model=model):
            changes["message"] = f"Loading {model}"
        case Loaded() if task.job is not None and task.job.use_gpu != event.use_gpu:  # its card is gone
            changes["job"] = task.job.model_copy(update={"use_gpu": event.use_gpu})
        case Step(done=done):
            step = min(done, task.steps - 1)  # the last step is the image on the disk
            changes |= {"step": step + sum(beside), "message": _progress(task, step, len(beside))}
        case Preview():
            changes["preview_seq"] = (task.preview_seq or 0) + 1
    if task.cancelling:
        changes.pop("message", None)
    return task.model_copy(update=changes)


def _progress(task: TaskRecord, step: int, n_beside: int) -> str:
    words, images = f"Step {step} of {task.steps}", task.request.num_images
    if n_beside:
        words = f"{len(task.images)} of {images} pictures; {n_beside + 1} are drawn at once"
    elif images > 1:
        words = f"Picture {len(task.images) + 1} of {images}: {words.lower()}"
    return _with_note(words, task)


def _with_note(message: str, task: TaskRecord) -> str:
    return f"{message}; {task.job.note}" if task.job is not None and task.job.note else message


def with_image(task: TaskRecord, image: ImageRecord, beside: Sequence[int] = ()) -> TaskRecord:
    """Adds an image that is on the disk at its place; `beside` is as for `with_event`."""
    images = (*task.images, image)
    if task.job is not None:
        index_of = task.job.index_of
        images = tuple(sorted(images, key=lambda other: index_of(other.seed)))
    changes = {} if task.cancelling else {"message": _progress(task, task.steps, len(beside))}
    return task.model_copy(update={**changes, "images": images, "step": sum(beside)})


def is_loss(failure: StudioError | None) -> bool:
    """Tells whether it is the worker that has failed, not the job."""
    return failure is not None and failure.code == WorkerLost.code


def draws_again(task: TaskRecord, index: int) -> bool:
    """Tells whether the image that a lost worker was drawing is to be drawn by another one.

    Each image is once; the second time it is suspected of killing them. An outage may take many at once.
    """
    return index not in task.lost


def after_loss(task: TaskRecord, index: int) -> dict[str, object]:
    """Returns what changes in the record of a task of which an image is drawn again."""
    return {"lost": (*task.lost, index)}


def waiting_again(task: TaskRecord, failure: StudioError) -> dict[str, object]:
    """Returns what changes in the record of a task that nobody draws any more, and that waits again."""
    return {
        "message": f"{failure} It waits for another worker.",
        "step": 0,
        "preview_seq": None,
        "timings": task.timings if task.images else Timings(),
        "worker": None,
        "workers": (),
    }


def outcome(task: TaskRecord, failure: StudioError | None, reason: StudioError | None) -> dict[str, object]:
    """Returns what the end of a task changes in its record.

    Args:
        task: Its record so far.
        failure: What has failed.
        reason: Why it had to end before its time.
    """
    is_lost = is_loss(failure)
    if is_lost and (reason is not None or len(task.images) == task.request.num_images):
        failure, is_lost = None, False  # it had to end anyway, or has all
    if failure is None and len(task.images) == task.request.num_images:
        message = f"Completed in {_drawing_s(task.images):.1f} s"
        return {"status": Status.COMPLETED, "message": _with_note(message, task), "step": 0}
    if failure is None and isinstance(reason, Cancelled):
        return {"status": Status.CANCELLED, "message": str(reason)}
    error = failure or reason or StudioError("The task ended without all its images; the log has more.")
    is_interrupted = is_lost or (failure is None and isinstance(reason, ShutDown))
    status = Status.INTERRUPTED if is_interrupted else Status.FAILED
    if is_lost:
        return {"status": status, "message": "Interrupted", "error": str(error), "error_code": error.code}
    message = "Failed" if failure is not None or reason is None else str(reason)
    return {"status": status, "message": message, "error": str(error), "error_code": error.code}


def _drawing_s(images: Sequence[ImageRecord]) -> float:
    """Returns the seconds for which images were drawn, those drawn at once counted once."""
    took_s = [image.generation_time_ms / 1000 for image in images]
    ends_s = [image.created_at.timestamp() for image in images]
    span_s = max(ends_s) - min(end - took for end, took in zip(ends_s, took_s, strict=True))
    return min(sum(took_s), span_s)
