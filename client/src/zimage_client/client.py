"""The synchronous client."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Generator, Iterable, Iterator
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


class Client:
    """Client of a Z-Image server; a context manager. `AsyncClient` has the same methods."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        timeout: httpx.Timeout | float | None = None,
        retries: Retries | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Opens no connection yet.

        Args:
            url: Address of the server; else `ZIMAGE_URL`, else `http://127.0.0.1:15000`.
            token: Token of the server; else `ZIMAGE_API_TOKEN`.
            timeout: Limits of the phases of a request; 5 s to connect and 60 s of silence without it.
            retries: How often a request is sent again.
            transport: What carries the requests instead of the network.

        Raises:
            ValueError: The address is none.
        """
        self.address = read_address(url)
        self._retries = retries or Retries()
        self._http = httpx.Client(**http_options(self.address, token, timeout), transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    @property
    def has_token(self) -> bool:
        """Whether requests carry a token."""
        return "Authorization" in self._http.headers

    # -- drawing -----------------------------------------------------------------------------------------------------

    def generate(self, prompt: str, *, idempotency_key: str | None = None, **options: Unpack[DrawOptions]) -> str:
        """Queues a task and returns its id at once. Pictures among the options are sent before it.

        Args:
            prompt: What to draw.
            idempotency_key: Name of this request; the same one gives the same task. Drawn by lot without it.
            options: Fields of the request.

        Raises:
            InvalidRequest: The server does not take it; `fields` say why.
            Unavailable: The queue is full, or the server takes no tasks now.
        """
        return self._run(plan_generate(prompt, options, idempotency_key))

    def wait(
        self, task_id: str, *, timeout_s: float | None = None, on_change: Callable[[Task], object] | None = None
    ) -> Task:
        """Waits until a task has ended, however it ends.

        Raises:
            WaitTimeout: It has not ended in time; it goes on.
        """
        deadline, task = Deadline(timeout_s), None
        with contextlib.closing(self._events(task_id, deadline)) as changes:
            for task in changes:
                if on_change is not None:
                    on_change(task)
        return deadline.ended(task)

    def draw(
        self,
        prompt: str,
        *,
        timeout_s: float | None = None,
        on_change: Callable[[Task], object] | None = None,
        idempotency_key: str | None = None,
        **options: Unpack[DrawOptions],
    ) -> tuple[Drawn, ...]:
        """Queues a task, waits for it and fetches its images. Whatever interrupts it cancels the task.

        Raises:
            TaskNotCompleted: It has failed or was cancelled; `task.images` are those that are finished.
            WaitTimeout: It has not ended in time, and is cancelled.
        """
        key = idempotency_key or calls.new_key()
        task_id = None
        try:
            task_id = self.generate(prompt, idempotency_key=key, **options)
            task = self.wait(task_id, timeout_s=timeout_s, on_change=on_change)
        except BaseException as error:
            if task_id is not None:
                with contextlib.suppress(ZImageError):
                    self.cancel(task_id)
            elif not isinstance(error, Exception):
                self.take_back(prompt, key, **options)
            raise
        return tuple(Drawn(image, self.download(image)) for image in check_completed(task).images)

    def take_back(self, prompt: str, idempotency_key: str, **options: Unpack[DrawOptions]) -> None:
        """Cancels the task of a request, whether or not its answer has come; says nothing where that is not possible.

        The same key gives the same task, so an interrupted `generate` leaves none behind.
        """
        with contextlib.suppress(ZImageError, OSError):
            self.cancel(self.generate(prompt, idempotency_key=idempotency_key, **options))

    def events(self, task_id: str) -> Generator[Task, None, None]:
        """Yields the status at every change, the present one first, until the task has ended."""
        return self._events(task_id, Deadline(None))

    def preview(self, task_id: str, seq: int | None = None) -> bytes | None:
        """Returns the newest preview as WebP; None when there is none."""
        return self._send(calls.preview(task_id, seq))

    def estimate(self, prompt: str, **options: Unpack[DrawOptions]) -> Estimate:
        """Predicts memory and seconds of a request that is not queued."""
        estimate: Estimate = self._run(plan_estimate(prompt, options))
        return estimate

    def upload(self, picture: Picture) -> Input:
        """Sends a picture for `init_image`, `mask` or `control`; the same one again is the same input."""
        return self._run(plan_upload(picture))

    def mask_of(self, picture: Picture) -> Input:
        """Makes a mask of what is transparent in a picture: that is drawn anew."""
        return self._run(plan_mask_of(picture))

    # -- tasks -------------------------------------------------------------------------------------------------------

    def task(self, task_id: str) -> Task:
        """Returns the status of a task."""
        return self._send(calls.task(task_id))

    def queue(self, *, finished: bool = False) -> tuple[Task, ...]:
        """Lists waiting and running tasks in their order, and the finished ones if asked for."""
        return self._send(calls.tasks(finished))

    def cancel(self, task_id: str) -> Task:
        """Cancels a task; finished images stay."""
        return self._send(calls.cancel(task_id))

    def cancel_waiting(self) -> tuple[Task, ...]:
        """Cancels all your own waiting tasks at once; returns them."""
        return self._send(calls.cancel_waiting())

    def retry(self, task_id: str) -> str:
        """Queues a failed, cancelled or interrupted task again; returns the id of the new one."""
        return self._send(calls.retry(task_id))

    def move(self, task_id: str, position: int | None = None, *, by: int | None = None) -> Task:
        """Moves a waiting task to a position of the queue, or by some places."""
        return self._send(calls.move(task_id, position, by))

    def clear(self) -> None:
        """Clears your finished tasks from the list; their images stay."""
        self._send(calls.clear())

    # -- images ------------------------------------------------------------------------------------------------------

    def history(self, **filters: Unpack[HistoryFilters]) -> HistoryPage:
        """Returns a page of the history."""
        return self._send(calls.history(params_of(filters)))

    def images(self, **filters: Unpack[HistoryFilters]) -> Iterator[Image]:
        """Yields the images of the history, page after page."""
        page = self.history(**filters)
        yield from page.images
        while params := next_params(filters, page):
            page = self._send(calls.history(params))
            yield from page.images

    def latest(self) -> Image:
        """Returns the newest image."""
        return self._send(calls.latest())

    def download(self, image: Image | str) -> bytes:
        """Returns the PNG of an image."""
        return self._send(calls.download(id_of(image)))

    def link(self, image: Image | str) -> str:
        """Returns an address of an image's PNG that opens without the token for an hour, to be given away.

        Where each token has images of its own, the address needs the token.
        """
        return f"{self.address.origin}{self._send(calls.link(id_of(image))).url}"

    def delete(self, *images: Image | str) -> BulkResult:
        """Moves images to the trash."""
        return self._send(calls.change([id_of(image) for image in images], "delete"))

    def restore(self, *images: Image | str) -> BulkResult:
        """Takes images out of the trash."""
        return self._send(calls.change([id_of(image) for image in images], "restore"))

    def delete_for_good(self, image: Image | str) -> None:
        """Deletes an image that is in the trash."""
        self._send(calls.delete_for_good(id_of(image)))

    def mark(self, images: Iterable[Image | str], *, favourite: bool = True) -> BulkResult:
        """Makes images favourites, or none."""
        action = "favourite" if favourite else "unfavourite"
        return self._send(calls.change([id_of(image) for image in images], action))

    def tag(self, images: Iterable[Image | str], tag: str, *, remove: bool = False) -> BulkResult:
        """Adds a tag to images, or removes it."""
        return self._send(calls.change([id_of(image) for image in images], "untag" if remove else "tag", tag))

    def import_image(self, picture: str | os.PathLike[str] | bytes) -> Image:
        """Takes an image with its parameters into the history."""
        return self._send(calls.import_image(*read_picture(picture)))

    # -- models and the machine --------------------------------------------------------------------------------------

    def models(self) -> ModelList:
        """Lists the models, installed and not."""
        return self._send(calls.models())

    def download_model(self, name: str) -> None:
        """Starts or resumes the download of a model; `models()` has its progress."""
        self._send(calls.download_model(name))

    def cancel_model_download(self, name: str) -> None:
        """Cancels a download; what has come stays."""
        self._send(calls.cancel_model_download(name))

    def unload_models(self) -> None:
        """Frees the memory of the loaded models."""
        self._send(calls.unload_models())

    def loras(self, model: str | None = None) -> LoraList:
        """Lists the LoRAs as a model takes them, `auto` without one; `NotFound` where the server has none of that."""
        return self._send(calls.loras(model))

    def add_lora(self, lora: str | os.PathLike[str] | bytes, name: str | None = None) -> Lora:
        """Sends a LoRA, a `.safetensors` file; bytes need its name. The same file again is the same LoRA.

        Raises:
            InvalidRequest: It is no LoRA that can be used.
            Conflict: Another file has its name.
        """
        return self._send(calls.add_lora(*read_lora(lora, name)))

    def lora_preview(self, lora: Lora | str) -> bytes:
        """Returns the preview of a LoRA, a WebP; `NotFound` where there is none."""
        return self._send(calls.lora_preview(lora if isinstance(lora, str) else lora.name))

    def delete_lora(self, lora: Lora | str) -> None:
        """Deletes a LoRA that was sent there, or lies in a folder of the server's own.

        Raises:
            Conflict: A task needs it, or it belongs to another program.
        """
        self._send(calls.delete_lora(lora if isinstance(lora, str) else lora.name))

    def status(self) -> SystemStatus:
        """Returns load, memory and disk of the server's machine."""
        return self._send(calls.status())

    def drain_worker(self, worker_id: str, drain: bool = True) -> Worker:
        """Lets a worker take no more tasks, or take them again; what it runs goes on."""
        return self._send(calls.drain_worker(worker_id, drain))

    def capabilities(self) -> Capabilities:
        """Returns version, limits and features of the server."""
        return self._send(calls.capabilities())

    def readiness(self) -> Readiness:
        """Returns whether a new task would be taken, and what stands against it."""
        return self._send(calls.readiness())

    # -- the wire ----------------------------------------------------------------------------------------------------

    def _run(self, plan: Plan[T]) -> T:
        answer = None
        while True:
            try:
                call = plan.send(answer)
            except StopIteration as done:
                result: T = done.value
                return result
            answer = self._send(call)

    def _send(self, call: Call[T]) -> T:
        attempts = Attempts(call, self._retries)
        while True:
            try:
                outcome: httpx.Response | httpx.TransportError = self._http.send(
                    call.build(self._http, self.address.prefix)
                )
            except httpx.TransportError as error:
                outcome = error
            wait_s = attempts.wait_s(outcome)
            if wait_s is None:
                return result_of(call, outcome)
            time.sleep(wait_s)

    def _events(self, task_id: str, deadline: Deadline) -> Generator[Task, None, None]:
        watch = Watch(task_id, self._retries)
        while not watch.ended:
            if watch.polls:
                yield from watch.polled(self._send(calls.task(task_id)))
            else:
                yield from self._listen(watch, deadline)
            if deadline.passed:
                return
            time.sleep(deadline.cut(watch.pause_s()))

    def _listen(self, watch: Watch, deadline: Deadline) -> Generator[Task, None, None]:
        request = watch.request(self._http, self.address.prefix, deadline.cut(SILENCE_S))
        try:
            response = self._http.send(request, stream=True)
            try:
                if response.status_code >= 300:
                    response.read()
                if watch.accepts(response):
                    for piece in response.iter_bytes():
                        yield from watch.take(piece)
                        if watch.ended or deadline.passed:
                            return
            finally:
                response.close()
        except httpx.TransportError as error:
            if not deadline.passed:
                watch.broke(error)
