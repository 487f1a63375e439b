"""The task that a client of the web UI's API means by "the current one": progress, interrupt, skip."""

from __future__ import annotations

import base64
import contextlib
from typing import Any

from backend.models.schemas import Status
from backend.services.errors import TaskAlreadyFinished, UnknownTask
from backend.services.generation.preview import encode_preview
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord

_LEAST_PROGRESS = 0.01
"""Of a task that runs: clients take 0 for its end."""


def current_task(tasks: TaskManager, client: str) -> TaskRecord | None:
    """Returns the task of a client's that runs, or else the first that waits, of those that came by this door."""
    return next((task for task in tasks.active() if task.client == client and task.door == "a1111"), None)


def present_progress(tasks: TaskManager, client: str, *, with_image: bool) -> dict[str, Any]:
    """Returns how far the client's current task is."""
    task = current_task(tasks, client)
    if task is None:
        return {"progress": 0.0, "eta_relative": 0.0, "state": _state(None), "current_image": None, "textinfo": None}
    _, eta_s = tasks.position_and_eta(task)
    is_running = task.status is Status.PROCESSING
    return {
        "progress": max(_LEAST_PROGRESS, task.progress / 100) if is_running else 0.0,
        "eta_relative": eta_s or 0.0,
        "state": _state(task),
        "current_image": _preview(tasks, task) if with_image else None,
        "textinfo": task.message,
    }


def interrupt(tasks: TaskManager, client: str) -> None:
    """Ends the client's current task, if there is one; its finished images stay."""
    task = current_task(tasks, client)
    if task is not None:
        with contextlib.suppress(TaskAlreadyFinished, UnknownTask):
            tasks.cancel(task.id)


def skip(tasks: TaskManager, client: str) -> None:
    """Ends the image that is drawn now, where it is the last one of the client's current task.

    Raises:
        TaskAlreadyFinished: others would follow, which cannot be drawn without it.
    """
    task = current_task(tasks, client)
    if task is None:
        return
    if len(task.images) < task.request.num_images - 1:
        raise TaskAlreadyFinished("One image of several cannot be skipped here; interrupt ends all that are left.")
    interrupt(tasks, client)


def _state(task: TaskRecord | None) -> dict[str, Any]:
    n_steps = 0 if task is None else task.steps
    return {
        "skipped": False,
        "interrupted": task is not None and task.cancelling,
        "stopping_generation": task is not None and task.cancelling,
        "job": "" if task is None else "scripts_img2img" if task.request.init_image else "scripts_txt2img",
        "job_count": 0 if task is None else task.request.num_images,
        "job_timestamp": "0" if task is None else f"{task.created_at:%Y%m%d%H%M%S}",
        "job_no": 0 if task is None else len(task.images),
        "sampling_step": 0 if task is None else min(task.step, n_steps),
        "sampling_steps": n_steps,
    }


def _preview(tasks: TaskManager, task: TaskRecord) -> str | None:
    with contextlib.suppress(UnknownTask):
        found = tasks.preview(task.id)
        if found is not None:
            return base64.b64encode(encode_preview(found[1], "PNG")).decode("ascii")
    return None
