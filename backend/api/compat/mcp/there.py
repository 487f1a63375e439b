"""The studio of a server elsewhere, over its API; the one place of the server that knows the client."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from datetime import datetime
from typing import Any

import anyio
from zimage_client import AsyncClient, NotFound, ZImageError
from zimage_client.calls import new_key
from zimage_client.types import Image, Task

from backend.api.compat.mcp.studio import Body, LoraFacts, ModelFacts, Picture, Progress
from backend.services.errors import StudioError, UnknownImage

CANCEL_S = 5.0
"""Longest wait for a cancel that nobody waits for any more."""


class RemoteStudio:
    """A server, as the holder of a token sees it."""

    def __init__(self, client: AsyncClient, *, has_lasting_address: bool) -> None:
        """Takes a client, and whether its server can still be called when the process has ended."""
        self._client = client
        self._has_lasting_address = has_lasting_address
        self._urls: dict[str, str] = {}
        """Addresses that were asked for, by the ids of their images."""

    @contextlib.asynccontextmanager
    async def drawing(self, body: Body) -> AsyncIterator[AsyncIterator[Progress]]:
        """Queues a request; see `Studio`."""
        key, prompt, rest = new_key(), *_parted(body)
        task_id: str | None = None
        has_ended = False

        async def changes() -> AsyncGenerator[Progress, None]:
            nonlocal has_ended
            with _translated():
                async with contextlib.aclosing(self._client.events(str(task_id))) as events:
                    async for task in events:
                        has_ended = task.is_final
                        yield await self._present(task)

        try:
            with _translated():
                task_id = await self._client.generate(prompt, idempotency_key=key, extra=rest)
            seen = changes()
            async with contextlib.aclosing(seen):
                yield seen
        except StudioError:
            raise
        except BaseException:
            if task_id is None:  # its answer may have been on the way
                await self._in_peace(self._client.take_back(prompt, key, extra=rest))
            raise
        finally:
            if task_id is not None and not has_ended:
                await self._in_peace(self._client.cancel(task_id))

    async def _in_peace(self, ending: Any) -> None:
        with anyio.move_on_after(CANCEL_S, shield=True), contextlib.suppress(ZImageError):
            await ending

    async def submit(self, body: Body) -> str:
        """Queues a request that goes on by itself."""
        prompt, rest = _parted(body)
        with _translated():
            return await self._client.generate(prompt, extra=rest)

    async def task(self, task_id: str) -> Progress:
        """Looks at a task."""
        with _translated():
            return await self._present(await self._client.task(task_id))

    async def tasks(self) -> list[Progress]:
        """Lists the tasks that wait or run."""
        with _translated():
            return [await self._present(task) for task in await self._client.queue()]

    async def wait(self, task_id: str, seconds: float) -> Progress:
        """Looks at a task when it has ended, or when the time is over."""
        seen = await self.task(task_id)
        with _translated(), anyio.move_on_after(seconds):
            async with contextlib.aclosing(self._client.events(task_id)) as events:
                async for task in events:
                    seen = await self._present(task)
        return seen

    async def cancel(self, task_id: str) -> Progress:
        """Cancels a task."""
        with _translated():
            return await self._present(await self._client.cancel(task_id))

    async def keep(self, image: bytes) -> str:
        """Keeps an image to draw from."""
        with _translated():
            return (await self._client.upload(image)).input_id

    async def models(self) -> list[ModelFacts]:
        """Lists the models."""
        with _translated():
            found = await self._client.models()
        return [
            ModelFacts(
                model.id, model.name, model.description, model.installed, model.id == found.default, model.guidance,
                model.negative_prompt, model.default_steps, tuple((width, height) for width, height in model.sizes),
            )
            for model in found.models
        ]  # fmt: skip

    async def loras(self, model: str | None = None) -> list[LoraFacts]:
        """Lists the LoRAs; a server that knows none of that has none."""
        with _translated():
            try:
                found = await self._client.loras(model)
            except NotFound:
                return []
        return [LoraFacts(lora.name, lora.kind or "", lora.problem, lora.trigger_words) for lora in found.loras]

    async def search(self, words: str, limit: int) -> tuple[list[Picture], int]:
        """Finds images, newest first."""
        with _translated():
            page = await self._client.history(q=words, page_size=limit)
            return [await self._picture(image) for image in page.images], page.total

    async def png(self, image_id: str) -> bytes:
        """Returns the PNG of an image."""
        with _translated():
            try:
                return await self._client.download(image_id)
            except NotFound:
                raise UnknownImage from None

    async def _present(self, task: Task) -> Progress:
        return Progress(
            task_id=task.task_id,
            status=task.status,
            is_final=task.is_final,
            done=task.current_step,
            total=task.total_steps,
            message=task.message,
            images=tuple([await self._picture(image) for image in task.images]),
            error=task.error,
            error_code=task.error_code,
            queue_position=task.queue_position,
            eta_seconds=task.eta_seconds,
        )

    async def _picture(self, image: Image) -> Picture:
        url = await self._url_of(image) if self._has_lasting_address else None
        created_at = image.created_at.isoformat() if isinstance(image.created_at, datetime) else ""
        return Picture(
            image.id, image.filename, image.prompt, image.width, image.height, image.seed, image.model, created_at,
            image.size_bytes, url,
        )  # fmt: skip

    async def _url_of(self, image: Image) -> str | None:
        """Returns the address of a PNG; one that opens without the token for an hour, where the server makes such."""
        if image.id not in self._urls:
            path = image.raw.get("download_url")
            if not path:
                return None
            url = f"{self._client.address.origin}{path}"
            if self._client.has_token:
                with contextlib.suppress(NotFound):  # an older server, or an image that was deleted meanwhile
                    url = await self._client.link(image.id)
            self._urls[image.id] = url
        return self._urls[image.id]


def _parted(body: Body) -> tuple[str, dict[str, Any]]:
    rest = dict(body)
    return str(rest.pop("prompt", "")), rest


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turns the client's errors into those of the domain, with the fields that they name."""
    try:
        yield
    except ZImageError as error:
        raise StudioError.of(error.code, error.message) from None
