"""The tools: each translates its arguments, asks the studio and presents what comes back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import anyio.to_thread
import mcp_types as types
from pydantic import ValidationError

from backend.api.compat.mcp import answers
from backend.api.compat.mcp.arguments import (
    Arguments,
    Cancel,
    Drawing,
    Edit,
    Generate,
    ListLoras,
    NoArguments,
    SearchHistory,
    Status,
    decode_image,
    named_image,
    schema_of,
)
from backend.api.compat.mcp.studio import Picture, Progress, Studio
from backend.api.errors import describe_invalid
from backend.services.errors import StudioError

MAX_SHOWN = 6
"""Small pictures in the answer of a search."""

Report = Callable[[float, float, str], Awaitable[None]]
"""Tells the host how far a call is: done, of how much, and in words."""
Answer = types.CallToolResult


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    studio: Studio
    report: Report


@dataclass(frozen=True)
class ToolEntry:
    """A tool, and what it does."""

    tool: types.Tool
    arguments: type[Arguments]
    run: Callable[[Call, Any], Awaitable[Answer]]

    async def call(self, call: Call, arguments: Mapping[str, Any] | None) -> Answer:
        """Runs it; whatever is refused is an answer that the model can read."""
        try:
            return await self.run(call, self.arguments.model_validate(arguments or {}))
        except ValidationError as error:
            return answers.refused(describe_invalid(error, self.arguments))
        except StudioError as error:
            return answers.refused(str(error))


async def _generate(call: Call, arguments: Generate) -> Answer:
    return await _draw(call, arguments, arguments.body())


async def _edit(call: Call, arguments: Edit) -> Answer:
    body = {**arguments.body(), "init_image": await _reference(call, "image", arguments.image)}
    if arguments.mask is not None:
        body["mask"] = await _reference(call, "mask", arguments.mask)
    return await _draw(call, arguments, body)


async def _reference(call: Call, field: str, text: str) -> dict[str, str]:
    """Returns an image as requests name it; sends it before, if it is one itself."""
    return named_image(text) or {"input_id": await call.studio.keep(decode_image(field, text))}


async def _draw(call: Call, arguments: Drawing, body: Mapping[str, Any]) -> Answer:
    if not arguments.wait:
        return answers.of_task(await call.studio.task(await call.studio.submit(body)))
    done = -1
    async with call.studio.drawing(body) as changes:
        async for task in changes:
            if task.done > done:  # the protocol wants numbers that grow
                done = task.done
                await call.report(task.done, task.total, task.message)
    return await _finished(call, task)


async def _finished(call: Call, task: Progress) -> Answer:
    return answers.of_task(task, await _shrunk(call, task.images) if task.is_final else [])


async def _shrunk(call: Call, pictures: tuple[Picture, ...], side_px: int = answers.SHOWN_SIDE_PX) -> list[bytes]:
    small = []
    for picture in pictures:
        png = await call.studio.png(picture.id)
        small.append(await anyio.to_thread.run_sync(answers.shrink, png, side_px))
    return small


async def _status(call: Call, arguments: Status) -> Answer:
    if arguments.task_id is None:
        return answers.of_tasks(await call.studio.tasks())
    return await _finished(call, await call.studio.wait(arguments.task_id, arguments.wait_seconds))


async def _cancel(call: Call, arguments: Cancel) -> Answer:
    task = await call.studio.cancel(arguments.task_id)
    answer = answers.of_task(task)
    return answer.model_copy(update={"is_error": False})  # it was asked for


async def _list_models(call: Call, _arguments: NoArguments) -> Answer:
    return answers.of_models(await call.studio.models())


async def _list_loras(call: Call, arguments: ListLoras) -> Answer:
    return answers.of_loras(await call.studio.loras(arguments.model))


async def _search_history(call: Call, arguments: SearchHistory) -> Answer:
    pictures, total = await call.studio.search(arguments.query, arguments.limit)
    shown = tuple(pictures[:MAX_SHOWN]) if arguments.show_images else ()
    return answers.of_found(pictures, total, await _shrunk(call, shown, answers.FOUND_SIDE_PX))


def _entry(
    name: str,
    title: str,
    description: str,
    arguments: type[Arguments],
    run: Callable[[Call, Any], Awaitable[Answer]],
    output: dict[str, Any] | None = None,
    *,
    reads: bool = False,
) -> ToolEntry:
    tool = types.Tool(
        name=name,
        title=title,
        description=description,
        input_schema=schema_of(arguments),
        output_schema=output,
        annotations=types.ToolAnnotations(
            title=title, read_only_hint=reads, destructive_hint=False, idempotent_hint=reads, open_world_hint=False
        ),
    )
    return ToolEntry(tool, arguments, run)


def make_tools() -> dict[str, ToolEntry]:
    """Returns the tools by their names."""
    entries = (
        _entry(
            "generate",
            "Generate an image",
            "Draws images from a description, on this person's own machine, and returns them. Takes seconds to "
            "minutes. The answer has a small picture, the seed, and a link to the full-size PNG in the history.",
            Generate,
            _generate,
            answers.TASK_SCHEMA,
        ),
        _entry(
            "edit",
            "Edit an image",
            "Draws from an existing image: changes it as a whole (strength), repaints a part (mask), extends its "
            "canvas (left, right, top, bottom) or enlarges it (upscale). The original stays as it is.",
            Edit,
            _edit,
            answers.TASK_SCHEMA,
        ),
        _entry(
            "status",
            "Look at a task",
            "Tells how far a task is, and returns its images when it has ended; without task_id lists what waits and "
            "runs.",
            Status,
            _status,
            reads=True,
        ),
        _entry(
            "cancel",
            "Cancel a task",
            "Cancels a task that waits or runs. Images that are finished stay.",
            Cancel,
            _cancel,
            answers.TASK_SCHEMA,
        ),
        _entry(
            "list_models",
            "List the models",
            "Lists the image models on this machine, and what each takes: sizes, guidance, negative prompts.",
            NoArguments,
            _list_models,
            reads=True,
        ),
        _entry(
            "list_loras",
            "List the LoRAs",
            "Lists the LoRAs (styles, subjects) that generate and edit can use, and whether a model takes them.",
            ListLoras,
            _list_loras,
            reads=True,
        ),
        _entry(
            "search_history",
            "Search the images",
            "Finds images that were drawn before, by words of their prompts or tags, or by seed. Their ids can be "
            "given to edit.",
            SearchHistory,
            _search_history,
            answers.FOUND_SCHEMA,
            reads=True,
        ),
    )
    return {entry.tool.name: entry for entry in entries}
