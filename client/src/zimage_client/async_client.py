"""The asynchronous client: the methods of `Client`, to be awaited."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
from types import TracebackType
from typing import Self, TypeVar, Unpack

import httpx

from zimage_client import calls
from zimage_client.calls import Call, Plan
from zimage_client.connection import http_options, read_address
from zimage_client.drawing import (
    DrawOptions,
    Picture,
    plan_estimate,
    plan_generate,
    plan_mask_of,
    plan_upload,
    read_lora,
    read_picture,
)
from zimage_client.endings import Deadline, check_completed
from zimage_client.errors import ZImageError
from zimage_client.filters import HistoryFilters, next_params, params_of
from zimage_client.retries import Attempts, Retries, result_of
from zimage_client.types import (
    BulkResult,
    Capabilities,
    Drawn,
    Estimate,
    HistoryPage,
    Image,
    Input,
    Lora,
    LoraList,
    ModelList,
    Readiness,
    SystemStatus,
    Task,
    Worker,
    id_of,
)
from zimage_client.watch import SILENCE_S, Watch

T = TypeVar("T")


class AsyncClient:
    """Client of a Z-Image server for asyncio; an asynchronous context manager."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: httpx.Timeout | float | None = None,
        retries: Retries | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """Opens no connection yet; see `Client`."""
        self.address = read_address(url)
        self._retries = retries or Retries()
        self._http = httpx.AsyncClient(**http_options(self.address, token, timeout), transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token."""
        return "Authorization" in self._http.headers

    # -- drawing -----------------------------------------------------------------------------------------------------

    async def generate(self, prompt: str, *, idempotency_key: str | None = None, **options: Unpack[DrawOptions]) -> str:
        """Queues a task and returns its id at once; see `Client.generate`."""
        return await self._run(plan_generate(prompt, options, idempotency_key))

    async def wait(
        self, task_id: str, *, timeout_s: float | None = None, on_change: Callable[[Task], object] | None = None
    ) -> Task:
        """Waits until a task has ended, however it ends; see `Client.wait`."""
        deadline, task = Deadline(timeout_s), None
        async with contextlib.aclosing(self._events(task_id, deadline)) as changes:
            async for task in changes:
                if on_change is not None:
                    on_change(task)
        return deadline.ended(task)

    async def draw(
        self,
        prompt: str,
        *,
        timeout_s: float | None = None,
        on_change: Callable[[Task], object] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[DrawOptions],
    ) -> tuple[Drawn, ...]:
        """Queues a task, waits for it and fetches its images; see `Client.draw`."""
        key = idempotency_key or calls.new_key()
        task_id = None
        try:
            task_id = await self.generate(prompt, idempotency_key=key, **options)
            task = await self.wait(task_id, timeout_s=timeout_s, on_change=on_change)
        except BaseException as error:
            if task_id is not None:
                with contextlib.suppress(ZImageError):
                    await asyncio.shield(self.cancel(task_id))
            elif not isinstance(error, Exception):
                await asyncio.shield(self.take_back(prompt, key, **options))
            raise
        return tuple([Drawn(image, await self.download(image)) for image in check_completed(task).images])

    async def take_back(self, prompt: str, idempotency_key: str, **options: Unpack[DrawOptions]) -> None:
        """Cancels the task of a request, whether or not its answer has come; see `Client.take_back`."""
        with contextlib.suppress(ZImageError, OSError):
            await self.cancel(await self.generate(prompt, idempotency_key=idempotency_key, **options))

    def events(self, task_id: str) -> AsyncGenerator[Task, None]:
        """Yields the status at every change, the present one first, until the task has ended."""
        return self._events(task_id, Deadline(None))

    async def preview(self, task_id: str, seq: int | None = None) -> bytes | None:
        """Returns the newest preview as WebP; None when there is none."""
        return await self._send(calls.preview(task_id, seq))

    async def estimate(self, prompt: str, **options: Unpack[DrawOptions]) -> Estimate:
        """Predicts memory and seconds of a request that is not queued."""
        estimate: Estimate = await self._run(plan_estimate(prompt, options))
        return estimate

    async def upload(self, picture: Picture) -> Input:
        """Sends a picture; see `Client.upload`."""
        return await self._run(plan_upload(picture))

    async def mask_of(self, picture: Picture) -> Input:
        """Makes a mask of what is transparent; see `Client.mask_of`."""
        return await self._run(plan_mask_of(picture))

    # -- tasks -------------------------------------------------------------------------------------------------------

    async def task(self, task_id: str) -> Task:
        """Returns the status of a task."""
        return await self._send(calls.task(task_id))

    async def queue(self, *, finished: bool = False) -> tuple[Task, ...]:
        """Lists waiting and running tasks in their order, and the finished ones if asked for."""
        return await self._send(calls.tasks(finished))

    async def cancel(self, task_id: str) -> Task:
        """Cancels a task; finished images stay."""
        return await self._send(calls.cancel(task_id))

    async def cancel_waiting(self) -> tuple[Task, ...]:
        """Cancels all your own waiting tasks at once; returns them."""
        return await self._send(calls.cancel_waiting())

    async def retry(self, task_id: str) -> str:
        """Queues a failed, cancelled or interrupted task again; returns the id of the new one."""
        return await self._send(calls.retry(task_id))

    async def move(self, task_id: str, position: int | None = None, *, by: int | None = None) -> Task:
        """Moves a waiting task to a position of the queue, or by some places."""
        return await self._send(calls.move(task_id, position, by))

    async def clear(self) -> None:
        """Clears your finished tasks from the list; their images stay."""
        await self._send(calls.clear())

    # -- images ------------------------------------------------------------------------------------------------------

    async def history(self, **filters: Unpack[HistoryFilters]) -> HistoryPage:
        """Returns a page of the history."""
        return await self._send(calls.history(params_of(filters)))

    async def images(self, **filters: Unpack[HistoryFilters]) -> AsyncIterator[Image]:
        """Yields the images of the history, page after page."""
        page = await self.history(**filters)
        for image in page.images:
            yield image
        while params := next_params(filters, page):
            page = await self._send(calls.history(params))
            for image in page.images:
                yield image

    async def latest(self) -> Image:
        """Returns the newest image."""
        return await self._send(calls.latest())

    async def download(self, image: Image | str) -> bytes:
        """Returns the PNG of an image."""
        return await self._send(calls.download(id_of(image)))

    async def link(self, image: Image | str) -> str:
        """Returns an address of an image's PNG that opens without the token for an hour; see `Client.link`."""
        return f"{self.address.origin}{(await self._send(calls.link(id_of(image)))).url}"

    async def delete(self, *images: Image | str) -> BulkResult:
        """Moves images to the trash."""
        return await self._send(calls.change([id_of(image) for image in images], "delete"))

    async def restore(self, *images: Image | str) -> BulkResult:
        """Takes images out of the trash."""
        return await self._send(calls.change([id_of(image) for image in images], "restore"))

    async def delete_for_good(self, image: Image | str) -> None:
        """Deletes an image that is in the trash."""
        await self._send(calls.delete_for_good(id_of(image)))

    async def mark(self, images: Iterable[Image | str], *, favourite: bool = True) -> BulkResult:
        """Makes images favourites, or none."""
        action = "favourite" if favourite else "unfavourite"
        return await self._send(calls.change([id_of(image) for image in images], action))

    async def tag(self, images: Iterable[Image | str], tag: str, *, remove: bool = False) -> BulkResult:
        """Adds a tag to images, or removes it."""
        action = "untag" if remove else "tag"
        return await self._send(calls.change([id_of(image) for image in images], action, tag))

    async def import_image(self, picture: str | os.PathLike[str] | bytes) -> Image:
        """Takes an image with its parameters into the history."""
        return await self._send(calls.import_image(*read_picture(picture)))

    # -- models and the machine --------------------------------------------------------------------------------------

    async def models(self) -> ModelList:
        """Lists the models, installed and not."""
        return await self._send(calls.models())

    async def download_model(self, name: str) -> None:
        """Starts or resumes the download of a model; `models()` has its progress."""
        await self._send(calls.download_model(name))

    async def cancel_model_download(self, name: str) -> None:
        """Cancels a download; what has come stays."""
        await self._send(calls.cancel_model_download(name))

    async def unload_models(self) -> None:
        """Frees the memory of the loaded models."""
        await self._send(calls.unload_models())

    async def loras(self, model: str | None = None) -> LoraList:
        """Lists the LoRAs as a model takes them, `auto` without one; `NotFound` where the server has none of that."""
        return await self._send(calls.loras(model))

    async def add_lora(self, lora: str | os.PathLike[str] | bytes, name: str | None = None) -> Lora:
        """Sends a LoRA, a `.safetensors` file; bytes need its name. The same file again is the same LoRA.

        Raises:
            InvalidRequest: It is no LoRA that can be used.
            Conflict: Another file has its name.
        """
        return await self._send(calls.add_lora(*read_lora(lora, name)))

    async def lora_preview(self, lora: Lora | str) -> bytes:
        """Returns the preview of a LoRA, a WebP; `NotFound` where there is none."""
        return await self._send(calls.lora_preview(lora if isinstance(lora, str) else lora.name))

    async def delete_lora(self, lora: Lora | str) -> None:
        """Deletes a LoRA that was sent there, or lies in a folder of the server's own.

        Raises:
            Conflict: A task needs it, or it belongs to another program.
        """
        await self._send(calls.delete_lora(lora if isinstance(lora, str) else lora.name))

    async def status(self) -> SystemStatus:
        """Returns load, memory and disk of the server's machine."""
        return await self._send(calls.status())

    async def drain_worker(self, worker_id: str, drain: bool = True) -> Worker:
        """Lets a worker take no more tasks, or take them again; what it runs goes on."""
        return await self._send(calls.drain_worker(worker_id, drain))

    async def capabilities(self) -> Capabilities:
        """Returns version, limits and features of the server."""
        return await self._send(calls.capabilities())

    async def readiness(self) -> Readiness:
        """Returns whether a new task would be taken, and what stands against it."""
        return await self._send(calls.readiness())

    # -- the wire ----------------------------------------------------------------------------------------------------

    async def _run(self, plan: Plan[T]) -> T:
        answer = None
        while True:
            try:
                call = plan.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = await self._send(call)

    async def _send(self, call: Call[T]) -> T:
        attempts = Attempts(call, self._retries)
        while True:
            try:
                outcome: httpx.Response | httpx.TransportError = await self._http.send(
                    call.build(self._http, self.address.prefix)
                )
            except httpx.TransportError as error:
                outcome = error
            wait_s = attempts.wait_s(outcome)
            if wait_s is None:
                return result_of(call, outcome)
            await asyncio.sleep(wait_s)

    async def _events(self, task_id: str, deadline: Deadline) -> AsyncGenerator[Task, None]:
        watch = Watch(task_id, self._retries)
        while not watch.ended:
            if watch.polls:
                for task in watch.polled(await self._send(calls.task(task_id))):
                    yield task
            else:
                async with contextlib.aclosing(self._listen(watch, deadline)) as heard:
                    async for task in heard:
                        yield task
            if deadline.passed:
                return
            await asyncio.sleep(deadline.cut(watch.pause_s()))

    async def _listen(self, watch: Watch, deadline: Deadline) -> AsyncGenerator[Task, None]:
        request = watch.request(self._http, self.address.prefix, deadline.cut(SILENCE_S))
        try:
            response = await self._http.send(request, stream=True)
            try:
                if response.status_code >= 300:
                    await response.aread()
                if watch.accepts(response):
                    async for piece in response.aiter_bytes():
                        for task in watch.take(piece):
                            yield task
                        if watch.ended or deadline.passed:
                            return
            finally:
                await response.aclose()
        except httpx.TransportError as error:
            if not deadline.passed:
                watch.broke(error)
