"""The studio in this process: the API's own services, queue and history."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import TypeVar

import anyio
import anyio.to_thread
import orjson
from pydantic import ValidationError

from backend.api.compat.drawing import Drawing, open_drawing
from backend.api.compat.mcp.studio import Body, LoraFacts, ModelFacts, Picture, Progress
from backend.api.deps import Services, link_to
from backend.api.errors import describe_invalid
from backend.models.schemas import GenerateRequest, ImageRecord
from backend.services.errors import StudioError, UnknownImage, UnknownTask
from backend.services.images.index import HistoryQuery
from backend.services.library.model_entry import AUTO
from backend.services.tasks.records import TaskRecord, is_seen_by

T = TypeVar("T")


class OwnStudio:
    """Services of this process, as one client sees them."""

    def __init__(self, services: Services, client: str, origin: str | None) -> None:
        """Takes the services, the client's name, and scheme and host of the server as that client calls it."""
        self._services = services
        self._client = client
        self._origin = origin
        self._owner = client if services.settings.history_per_token else None

    @contextlib.asynccontextmanager
    async def drawing(self, body: Body) -> AsyncIterator[AsyncIterator[Progress]]:
        """Queues a request; see `Studio`."""
        request = await _in_thread(lambda: self._read(body))
        async with open_drawing(self._services.tasks, request, self._client, "mcp") as drawing:
            changes = self._changes(drawing)
            async with contextlib.aclosing(changes):
                yield changes

    async def _changes(self, drawing: Drawing) -> AsyncGenerator[Progress, None]:
        async with contextlib.aclosing(drawing.changes()) as changes:  # type: ignore[type-var]
            async for task in changes:
                yield self._present(task)

    async def submit(self, body: Body) -> str:
        """Queues a request that goes on by itself."""
        return await _in_thread(
            lambda: self._services.tasks.submit(self._read(body), self._client, door="mcp"),
        )

    async def task(self, task_id: str) -> Progress:
        """Looks at a task.

        Raises:
            UnknownTask: There is none, or it is none of this client's.
        """
        task = self._services.tasks.get(task_id)
        if not is_seen_by(task, self._owner, self._services.settings.tokens):
            raise UnknownTask
        return self._present(task)

    async def tasks(self) -> list[Progress]:
        """Lists the tasks that wait or run."""
        tokens = self._services.settings.tokens
        return [self._present(task) for task in self._services.tasks.active() if is_seen_by(task, self._owner, tokens)]

    async def wait(self, task_id: str, seconds: float) -> Progress:
        """Looks at a task when it has ended, or when the time is over."""
        seen = await self.task(task_id)
        with anyio.move_on_after(seconds):
            async with contextlib.aclosing(Drawing(self._services.tasks, task_id).changes()) as changes:  # type: ignore[type-var]
                async for task in changes:
                    seen = self._present(task)
        return seen

    async def cancel(self, task_id: str) -> Progress:
        """Cancels a task."""
        await self.task(task_id)
        return self._present(await _in_thread(lambda: self._services.tasks.cancel(task_id)))

    async def keep(self, image: bytes) -> str:
        """Keeps an image to draw from."""
        found, _ = await _in_thread(lambda: self._services.inputs.add(io.BytesIO(image)))
        return found.id

    async def models(self) -> list[ModelFacts]:
        """Lists the models."""
        contents = await _in_thread(self._services.catalogue.look)
        best = self._services.catalogue.best(list(contents.models))
        return [
            ModelFacts(
                model.id, model.name, model.description, model.installed, best is not None and model.id == best.id,
                model.guided, model.negative_prompt, model.default_steps, tuple(model.sizes),
            )
            for model in contents.models
        ]  # fmt: skip

    async def loras(self, model: str | None = None) -> list[LoraFacts]:
        """Lists the LoRAs."""
        return await _in_thread(lambda: find_loras(self._services, model))

    async def search(self, words: str, limit: int) -> tuple[list[Picture], int]:
        """Finds images, newest first."""
        query = HistoryQuery(page_size=limit, text=words, owner=self._owner)
        found = await _in_thread(lambda: self._services.history.find(query))
        return [self._picture(record) for record in found.records], found.total

    async def png(self, image_id: str) -> bytes:
        """Returns the PNG of an image."""
        if not self._services.history.own([image_id], self._owner):
            raise UnknownImage
        return await _in_thread(lambda: self._services.history.image_path(image_id).read_bytes())

    def _read(self, body: Body) -> GenerateRequest:
        """Reads a body as the API does, and makes inputs of the images that it names."""
        try:
            request = GenerateRequest.model_validate_json(orjson.dumps(body))
        except ValidationError as error:
            raise StudioError.of("validation_error", describe_invalid(error)) from None
        return self._services.sources.keep(request, self._owner)

    def _present(self, task: TaskRecord) -> Progress:
        position, eta_s = self._services.tasks.position_and_eta(task)
        return Progress(
            task_id=task.id,
            status=task.status.value,
            is_final=task.status.is_final,
            done=task.current_step,
            total=task.total_steps,
            message=task.message,
            images=tuple(self._picture(record) for record in task.images),
            error=task.error,
            error_code=task.error_code,
            queue_position=position,
            eta_seconds=eta_s,
        )

    def _picture(self, record: ImageRecord) -> Picture:
        return Picture(
            record.id, record.filename, record.prompt, record.width, record.height, record.seed, record.model,
            record.created_at.isoformat(), record.size_bytes,
            None if self._origin is None else f"{self._origin}{link_to(record.id, self._services).url}",
        )  # fmt: skip


def find_loras(services: Services, model: str | None = None) -> list[LoraFacts]:
    """Lists the LoRAs, those that a model (without a name the best) cannot use with the reason."""
    contents = services.loras.catalogue.look(services.loras.architecture_of(model or AUTO))
    return [
        LoraFacts(lora.name, lora.facts.kind or "", lora.problem, tuple(lora.facts.words.triggers))
        for lora in contents.loras
    ]


async def _in_thread(work: Callable[[], T]) -> T:
    return await anyio.to_thread.run_sync(work)
