"""Tasks: start, watch, cancel, retry, reorder."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Response
from fastapi.responses import JSONResponse, StreamingResponse

from backend.api.deps import Client, Config, Owner, Sources, Tasks
from backend.api.errors import documented
from backend.api.live.events import stream_status
from backend.api.presenters import present_task
from backend.models.schemas import ClearQuery, GenerateRequest, MoveRequest, TaskCreated, TaskList, TaskStatus
from backend.services.errors import UnknownTask
from backend.services.generation.preview import encode_preview
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord, is_seen_by

router = APIRouter(prefix="/generate", tags=["generate"])


async def _own_task_id(
    task_id: Annotated[str, Path(description="Id from the answer to POST /api/generate.")],
    tasks: Tasks,
    settings: Config,
    owner: Owner,
) -> str:
    """Returns the id of a task that the client may see; others do not exist for it."""
    if not is_seen_by(tasks.get(task_id), owner, settings.tokens):
        raise UnknownTask
    return task_id


TaskId = Annotated[str, Depends(_own_task_id)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="A name of your own for this request: posted again, it gives the same task.",
    ),
]
EventId = Annotated[str | None, Header(max_length=100, description="Id of the last event that was received.")]


@router.post("", status_code=202, responses=documented(400, 413, 422, 429, 503, 507))
def submit(
    request: GenerateRequest,
    tasks: Tasks,
    settings: Config,
    client: Client,
    owner: Owner,
    sources: Sources,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> TaskCreated:
    """Queues a task and returns at once. Poll the URL in `Location`, or listen to its `/events`."""
    task_id = tasks.submit(sources.keep(request, owner), client, idempotency_key)
    return _created(task_id, settings, response)


@router.get("", responses=documented(422))
def list_tasks(
    tasks: Tasks,
    settings: Config,
    owner: Owner,
    finished: Annotated[bool, Query(description="Also the finished tasks that are remembered, newest first.")] = False,
) -> TaskList:
    """Lists waiting and running tasks, in the order in which they run."""
    records = tasks.active() + (tasks.finished() if finished else [])
    newest = {task.id: task for task in records}  # one may have ended between the two looks
    own = [task for task in newest.values() if is_seen_by(task, owner, settings.tokens)]
    return TaskList(tasks=[_present(task, tasks, settings) for task in own])


@router.delete(
    "",
    response_class=Response,
    responses={
        **documented(422),
        200: {"model": TaskList, "description": "The waiting tasks that were cancelled."},
        204: {"description": "The finished tasks are gone from the list."},
    },
)
def clear(tasks: Tasks, settings: Config, client: Client, which: Annotated[ClearQuery, Query()]) -> Response:
    """Cancels all your own waiting tasks at once, or removes your finished ones from the list; their images stay."""
    if which.finished:
        tasks.forget_finished(client)
        return Response(status_code=204)
    cancelled = TaskList(tasks=[_present(task, tasks, settings) for task in tasks.cancel_waiting(client)])
    return JSONResponse(cancelled.model_dump(mode="json"))


@router.get("/{task_id}", responses=documented(404, 422))
def get_task(task_id: TaskId, tasks: Tasks, settings: Config) -> TaskStatus:
    """Returns a task's status."""
    return _present(tasks.get(task_id), tasks, settings)


@router.delete("/{task_id}", status_code=202, responses=documented(404, 409, 422))
def cancel(task_id: TaskId, tasks: Tasks, settings: Config) -> TaskStatus:
    """Cancels a task: a waiting one at once, a running one at its next step. Finished images stay."""
    return _present(tasks.cancel(task_id), tasks, settings)


@router.post("/{task_id}/retry", status_code=202, responses=documented(404, 409, 422, 429, 503, 507))
def retry(task_id: TaskId, tasks: Tasks, settings: Config, client: Client, response: Response) -> TaskCreated:
    """Queues a failed, cancelled or interrupted task again, as a new task."""
    return _created(tasks.retry(task_id, client), settings, response)


@router.post("/{task_id}/move", responses=documented(400, 404, 409, 413, 422))
def move(task_id: TaskId, request: MoveRequest, tasks: Tasks, settings: Config) -> TaskStatus:
    """Moves a waiting task to a position in the queue, as near as other clients' turns allow, or by some places."""
    if request.by is not None:
        return _present(tasks.move_by(task_id, request.by), tasks, settings)
    return _present(tasks.move(task_id, request.position or 0), tasks, settings)


@router.get(
    "/{task_id}/preview",
    response_class=Response,
    responses={
        **documented(404, 422),
        200: {"content": {"image/webp": {}}, "description": "The newest preview."},
        204: {"description": "There is none: the task does not run, or its model has no preview map."},
    },
)
def get_preview(
    task_id: TaskId,
    tasks: Tasks,
    seq: Annotated[  # noqa: ARG001 — it makes the address of each preview a new one
        int | None, Query(ge=0, le=2**31, description="The `preview_seq` of the task, against caches.")
    ] = None,
) -> Response:
    """Returns the newest preview of the image, a small WebP."""
    found = tasks.preview(task_id)
    if found is None:
        return Response(status_code=204)
    number, pixels = found
    headers = {"Cache-Control": "no-store", "X-Preview-Seq": str(number)}
    return Response(encode_preview(pixels), media_type="image/webp", headers=headers)


@router.get(
    "/{task_id}/events",
    response_class=StreamingResponse,
    responses={
        **documented(404, 422),
        200: {"content": {"text/event-stream": {}}, "description": "Events `status`, each with a TaskStatus as data."},
        204: {"description": "Nothing has changed since the last event, and nothing will."},
    },
)
async def get_events(task_id: TaskId, tasks: Tasks, settings: Config, last_event_id: EventId = None) -> Response:
    """Streams the task's status at every change. The stream ends with the task."""

    def look() -> TaskStatus:
        return _present(tasks.get(task_id), tasks, settings)

    return await stream_status(look, tasks.watch, lambda: tasks.closing, last_event_id)


def _present(task: TaskRecord, tasks: TaskManager, settings: Config) -> TaskStatus:
    return present_task(task, *tasks.position_and_eta(task), settings.api_address)


def _created(task_id: str, settings: Config, response: Response) -> TaskCreated:
    response.headers["Location"] = f"{settings.api_address}/generate/{task_id}"
    return TaskCreated(task_id=task_id)
