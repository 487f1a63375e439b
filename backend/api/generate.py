"""Tasks: start, watch, cancel."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from backend.api.dependencies import Config, Tasks
from backend.api.errors import documented
from backend.api.presenters import present_task
from backend.models.schemas import ID_PATTERN, GenerateRequest, TaskCreated, TaskList, TaskStatus

router = APIRouter(prefix="/generate", tags=["generate"])

TaskId = Annotated[str, Path(pattern=ID_PATTERN, description="Id from the answer to POST /api/generate.")]


@router.post("", status_code=202, responses=documented(400, 422, 429, 507))
def submit(request: GenerateRequest, tasks: Tasks, settings: Config, response: Response) -> TaskCreated:
    """Queues a picture and answers at once; poll the address in `Location`."""
    task_id = tasks.submit(with_defaults(request, settings))
    response.headers["Location"] = f"{settings.api_prefix}/generate/{task_id}"
    return TaskCreated(task_id=task_id)


@router.get("", responses=documented(422))
def list_tasks(
    tasks: Tasks,
    settings: Config,
    finished: Annotated[bool, Query(description="Also the finished tasks that are remembered, newest first.")] = False,
) -> TaskList:
    """Lists the tasks that wait or run, in the order in which they run."""
    active = [present_task(task, tasks.queue_position(task.id), settings.api_prefix) for task in tasks.active()]
    done = [present_task(task, None, settings.api_prefix) for task in tasks.finished()] if finished else []
    return TaskList(tasks=active + done)


@router.get("/{task_id}", responses=documented(404, 422))
def get_task(task_id: TaskId, tasks: Tasks, settings: Config) -> TaskStatus:
    """Tells how far a task is."""
    return present_task(tasks.get(task_id), tasks.queue_position(task_id), settings.api_prefix)


@router.delete("/{task_id}", status_code=202, responses=documented(404, 409, 422))
def cancel(task_id: TaskId, tasks: Tasks, settings: Config) -> TaskStatus:
    """Cancels a task: at once when it waits, at its next step when it runs; no picture is kept."""
    return present_task(tasks.cancel(task_id), tasks.queue_position(task_id), settings.api_prefix)


def with_defaults(request: GenerateRequest, settings: Config) -> GenerateRequest:
    """Fills what the client left out from the settings."""
    defaults = {
        "height": settings.default_height,
        "width": settings.default_width,
        "num_inference_steps": settings.default_num_inference_steps,
    }
    missing = {name: value for name, value in defaults.items() if name not in request.model_fields_set}
    return request.model_copy(update=missing)
