"""What can go wrong in the domain.

StudioError
├── UnknownTask, UnknownImage, UnknownInput, UnknownDownload, UnknownWorker, ModelNotFound, LoraNotFound → 404
├── TaskAlreadyFinished, TaskNotRetryable, TaskNotWaiting, NotInTrash, DownloadConflict → 409
├── ModelInUse, LoraInUse, NameTaken, NotOurs, RemovalFailed → 409
├── IdempotencyMismatch, TooMuchWork, NoParameters, DoesNotFit, UnreadableImage, LoraDamaged → 422
├── CallbackRefused                     → 422
├── InputUnusable                       → the task fails; 422 to who waits for it
├── InputRefused                        → 422
│   └── UnknownLora, LoraChanged, LoraRefused
├── WrongToken                          → 401
├── QueueFull, TooManyAttempts          → 429
├── DiskFull                            → 507
├── DownloadFailed                      → the download fails
├── ModelError                          → the request or the set-up is wrong
│   ├── UnknownModel, UnknownPart, UnknownControl, UnknownAnnotator, ModelNotInstalled → 422
│   ├── GuidanceUnused, NegativePromptUnused, ControlUnusable, LoraUnusable → 422
│   └── ModelBroken                     → the task fails
├── Draining                            → 503
├── OutOfMemory, BlankPicture, DeviceFault, UnknownDevice → the task fails
├── ExecutorUnusable                    → the executor cannot be prepared; the task fails
├── WorkerLost                          → the task runs once more, or ends as interrupted
└── Cancelled, TimedOut, ShutDown       → why a task has ended before its time
"""

from __future__ import annotations

from backend.utils.texts import as_utf_8


class StudioError(Exception):
    """Base of every expected error; `code` is for programs, the text for people."""

    code = "internal_error"

    def __str__(self) -> str:
        """Returns the text for people, which any file and any answer can hold."""
        return as_utf_8(super().__str__())

    @classmethod
    def unexpected(cls, error: BaseException) -> StudioError:
        """Returns what clients are told of a fault of ours; the log has its text."""
        return cls(f"An unexpected error ({type(error).__name__}) ended this task; the log has more.")

    @classmethod
    def of(cls, code: str, message: str) -> StudioError:
        """Returns an error that came as plain data."""
        error = cls(message)
        error.code = code
        return error


class UnknownTask(StudioError):
    """No task has this id, or it is none of yours."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no task with this id; finished tasks are remembered for a while only.")


class UnknownImage(StudioError):
    """No picture has this id, or it is none of yours."""

    code = "not_found"

    def __init__(self, message: str = "There is no picture with this id; it may have been deleted.") -> None:
        super().__init__(message)


class TaskAlreadyFinished(StudioError):
    """A finished task cannot be cancelled."""

    code = "conflict"


class TaskNotRetryable(StudioError):
    """Only a task that ended without all its pictures can be run again."""

    code = "conflict"


class TaskNotWaiting(StudioError):
    """Only a waiting task has a place in the queue."""

    code = "conflict"


class IdempotencyMismatch(StudioError):
    """The key of an earlier request came with another request."""

    code = "idempotency_mismatch"


class TooMuchWork(StudioError):
    """Pixels × steps × pictures of one request are above the limit."""

    code = "too_much_work"


class QueueFull(StudioError):
    """Too many tasks wait, of all clients or of this one."""

    code = "queue_full"

    def __init__(self, message: str, *, position: int, retry_after_s: float | None) -> None:
        super().__init__(message)
        self.position = position
        self.retry_after_s = retry_after_s


class WrongToken(StudioError):
    """A token is needed, and this is none."""

    code = "unauthorized"


class TooManyAttempts(StudioError):
    """Somebody guesses tokens."""

    code = "too_many_attempts"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class NotInTrash(StudioError):
    """Only what is in the trash can be deleted for good."""

    code = "conflict"


class NoParameters(StudioError):
    """A picture that somebody has sent carries no parameters that we can read."""

    code = "no_parameters"


class UnknownInput(StudioError):
    """No input has this id."""

    code = "not_found"

    def __init__(
        self, message: str = "There is no input with this id; one that nothing refers to is kept for a week only."
    ) -> None:
        super().__init__(message)


class UnreadableImage(StudioError):
    """An image that somebody has sent to draw from cannot be used."""

    code = "unreadable_image"


class InputRefused(StudioError):
    """A request draws from an image in a way that makes no sense; `field` is where."""

    code = "input_refused"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class CallbackRefused(StudioError):
    """Whoever shall be told of the end of a task may not be, or may not be told by this client."""

    code = "callback_refused"


class InputUnusable(StudioError):
    """An input image, mask or size cannot be used, or does not fit what is asked for; the message says what can."""

    code = "input_unusable"


class UnknownDownload(StudioError):
    """No model with this id can be downloaded."""

    code = "not_found"


class DownloadConflict(StudioError):
    """The model is here, another one is being downloaded, or nothing may be."""

    code = "conflict"


class DownloadFailed(StudioError):
    """The hub does not give the model, or not as it has promised."""

    code = "download_failed"


class ModelInUse(StudioError):
    """A model that something still needs is not deleted."""

    code = "model_in_use"


class NotOurs(StudioError):
    """What belongs to another program, or to this one itself, is not deleted."""

    code = "not_ours"


class RemovalFailed(StudioError):
    """The disk refuses to delete a file."""

    code = "removal_failed"


class DiskFull(StudioError):
    """There is no room for another picture."""

    code = "insufficient_storage"


class ModelError(StudioError):
    """Base of what concerns a model."""

    code = "model_error"


class UnknownModel(ModelError):
    """The catalogue has no such model."""

    code = "unknown_model"


class ModelNotFound(ModelError):
    """The catalogue has no such model to change."""

    code = "model_not_found"


class UnknownPart(ModelError):
    """No such part fits the model."""

    code = "unknown_part"


class UnknownControl(ModelError):
    """There is no such ControlNet on this machine."""

    code = "unknown_control"


class UnknownAnnotator(ModelError):
    """There is no model on this machine that makes control images of a kind."""

    code = "unknown_annotator"


class ModelNotInstalled(ModelError):
    """The model is known, its weights are not here."""

    code = "model_not_installed"


class GuidanceUnused(ModelError):
    """A scale for a model that is not guided."""

    code = "guidance_unused"


class NegativePromptUnused(ModelError):
    """A negative prompt for a model that takes none."""

    code = "negative_prompt_unused"


class ControlUnusable(ModelError):
    """A control that the model, the engine or the ControlNet does not take as it is asked for."""

    code = "control_unusable"


class ModelBroken(ModelError):
    """The weights cannot be loaded."""

    code = "model_broken"

    @classmethod
    def at(cls, part: str, model: str, reason: str | None = None) -> ModelBroken:
        """Names the part of a model's folder that is at fault, and why if that is known."""
        why = f"its part {part!r} is missing, damaged or of another model" if reason is None else f"{part}: {reason}"
        return cls(f"The model {model} cannot be loaded: {why}. The log has more; fetch the folder again.")


class OutOfMemory(StudioError):
    """The picture does not fit into the device's memory."""

    code = "out_of_memory"


class DoesNotFit(StudioError):
    """The image that is asked for cannot fit into memory."""

    code = "does_not_fit"


class BlankPicture(StudioError):
    """The model produced numbers that are no picture."""

    code = "invalid_output"

    def __init__(self, message: str = "The model produced invalid numbers (NaN) instead of a picture.") -> None:
        super().__init__(message)


class DeviceFault(StudioError):
    """The device has failed; the engine is taken down and set up anew for the next task."""

    code = "device_error"


class Draining(StudioError):
    """The server takes no new tasks, because it is about to be restarted."""

    code = "draining"


class UnknownDevice(StudioError):
    """The settings name a device that this machine does not have."""

    code = "unknown_device"


class UnknownWorker(StudioError):
    """No worker has this id."""

    code = "not_found"

    def __init__(self) -> None:
        super().__init__("There is no worker with this id; /api/system/status lists those that there are.")


class ExecutorUnusable(StudioError):
    """What is to run the jobs cannot: a package is missing, a cluster is not there or is another version."""

    code = "executor_unusable"


class WorkerLost(StudioError):
    """The worker, or its machine, has died under a job."""

    code = "worker_lost"


class Cancelled(StudioError):
    """Somebody asked for it."""

    code = "cancelled"


class TimedOut(StudioError):
    """It ran too long."""

    code = "timeout"


class ShutDown(StudioError):
    """The process is about to end."""

    code = "interrupted"
