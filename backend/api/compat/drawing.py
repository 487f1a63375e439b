"""A request of another program's protocol as a task, for as long as its connection waits."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import anyio
import anyio.to_thread
from starlette.requests import Request

from backend.models.schemas import Door, GenerateRequest
from backend.services.errors import Cancelled, ShutDown, StudioError, TaskAlreadyFinished, UnknownTask
from backend.services.task_manager import TaskManager
from backend.services.tasks.records import TaskRecord


@contextlib.asynccontextmanager
async def open_drawing(
    tasks: TaskManager,
    request: GenerateRequest,
    client: str,
    door: Door,
    idempotency_key: str | None = None,
    partial_images: int = 0,
) -> AsyncIterator[Drawing]:
    """Queues a request; cancels the task on the way out if it has not ended.

    A task with an idempotency key goes on: whoever repeats the request gets it.

    Raises:
        StudioError: it is not accepted; see `TaskManager.submit`.
    """
    with anyio.CancelScope(shield=True):  # a task whose id is lost could not be cancelled
        task_id = await anyio.to_thread.run_sync(
            lambda: tasks.submit(request, client, idempotency_key, door, partial_images)
        )
    try:
        yield Drawing(tasks, task_id)
    finally:
        if idempotency_key is None:
            with contextlib.suppress(TaskAlreadyFinished, UnknownTask), anyio.CancelScope(shield=True):
                if not tasks.get(task_id).status.is_final:
                    await anyio.to_thread.run_sync(tasks.cancel, task_id)


class Drawing:
    """A task that somebody waits for."""

    def __init__(self, tasks: TaskManager, task_id: str) -> None:
        self._tasks = tasks
        self.task_id = task_id

    async def changes(self) -> AsyncIterator[TaskRecord]:
        """Yields the task as it is, and after every change; the last time when it has ended.

        Raises:
            UnknownTask: it was forgotten meanwhile.
            ShutDown: the server ends.
        """
        loop, changed = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(changed.set)

        unwatch = self._tasks.watch(wake)
        last: TaskRecord | None = None
        try:
            while last is None or not last.status.is_final:
                changed.clear()
                task = self._tasks.get(self.task_id)
                if task is not last:
                    last = task
                    yield task
                    continue
                if self._tasks.closing:
                    raise ShutDown("The server ends before the image is finished.")
                await changed.wait()
        finally:
            unwatch()

    async def finished(self) -> TaskRecord:
        """Waits for the end; returns the completed task.

        Raises:
            StudioError: it has failed or was cancelled, or the server ends.
        """
        async for task in self.changes():
            last = task
        return completed(last)

    async def finished_for(self, request: Request) -> TaskRecord:
        """Waits as `finished` does, and only as long as the connection of a request stands.

        Raises:
            Cancelled: nobody waits any more.
            StudioError: as `finished`.
        """
        waiting, gone = asyncio.ensure_future(self.finished()), asyncio.ensure_future(until_gone(request))
        try:
            await asyncio.wait((waiting, gone), return_when=asyncio.FIRST_COMPLETED)
            if waiting.done():
                return waiting.result()
            raise Cancelled("The connection ended before the image was finished.")
        finally:
            waiting.cancel()
            gone.cancel()
            await asyncio.gather(waiting, gone, return_exceptions=True)


async def until_gone(request: Request) -> None:
    """Returns when the client of a request, whose body has been read, has closed the connection."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def completed(task: TaskRecord) -> TaskRecord:
    """Returns a task that has all its images.

    Raises:
        StudioError: it ended in another way, for the reason that the task has.
    """
    if task.error is not None or len(task.images) < task.request.num_images:
        raise StudioError.of(task.error_code or task.status.value, task.error or f"The task was {task.status.value}.")
    return task
