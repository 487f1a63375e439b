"""Results of the tools: words, small pictures, links to the PNG files, and the same as data."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from io import BytesIO
from typing import Any

import mcp_types as types
from PIL import Image

from backend.api.compat.mcp.studio import LoraFacts, ModelFacts, Picture, Progress

SHOWN_SIDE_PX = 512
FOUND_SIDE_PX = 256
QUALITY = 80

_IMAGE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "uri": {"type": "string"},
        "url": {"type": "string"},
        "prompt": {"type": "string"},
        "seed": {"type": "integer"},
        "width": {"type": "integer"},
        "height": {"type": "integer"},
        "model": {"type": "string"},
        "created_at": {"type": "string"},
    },
    "required": ["id", "uri", "seed", "width", "height", "model"],
}
_TASK_FIELDS: dict[str, Any] = {
    "task_id": {"type": "string"},
    "status": {"type": "string"},
    "progress": {"type": "number"},
    "message": {"type": "string"},
    "queue_position": {"type": "integer"},
    "eta_seconds": {"type": "number"},
    "images": {"type": "array", "items": _IMAGE},
}
TASK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": _TASK_FIELDS,
    "required": ["task_id", "status", "images"],
}
TASKS_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"tasks": {"type": "array", "items": TASK_SCHEMA}},
    "required": ["tasks"],
}
FOUND_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"images": {"type": "array", "items": _IMAGE}, "total": {"type": "integer"}},
    "required": ["images", "total"],
}


def shrink(png: bytes, side_px: int = SHOWN_SIDE_PX) -> bytes:
    """Returns a WebP of at most so many pixels a side."""
    with Image.open(BytesIO(png), formats=["PNG"]) as image:
        small = image.convert("RGB")
    small.thumbnail((side_px, side_px), Image.Resampling.LANCZOS)
    buffer = BytesIO()
    small.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue()


def show(webp: bytes) -> types.ImageContent:
    """Returns a picture that a host shows."""
    return types.ImageContent(data=base64.b64encode(webp).decode(), mime_type="image/webp")


def link(picture: Picture) -> types.ResourceLink:
    """Returns a link to the PNG, which resources/read gives."""
    return types.ResourceLink(
        uri=picture.uri,
        name=picture.filename,
        title=picture.prompt[:80],
        mime_type="image/png",
        size=picture.size_bytes,
        description=f"{picture.width}×{picture.height}, seed {picture.seed}, {picture.model}",
    )


def refused(message: str) -> types.CallToolResult:
    """Returns the error of a tool, for the model to read."""
    return types.CallToolResult(content=[types.TextContent(text=message)], is_error=True)


def of_task(task: Progress, small: Sequence[bytes] = ()) -> types.CallToolResult:
    """Returns a task with its images: an error if it has ended in another way than it should."""
    failed = task.is_final and task.status != "completed"
    content: list[types.ContentBlock] = [types.TextContent(text=_words(task))]
    content += [show(webp) for webp in small]
    content += [link(picture) for picture in task.images]
    return types.CallToolResult(content=content, structured_content=_task_data(task), is_error=failed)


def of_tasks(tasks: Sequence[Progress]) -> types.CallToolResult:
    """Returns the tasks that wait or run."""
    text = "\n".join(f"{task.task_id}: {_state(task)}" for task in tasks) or "Nothing waits and nothing runs."
    return _plain(text, {"tasks": [_task_data(task) for task in tasks]})


def of_found(pictures: Sequence[Picture], total: int, small: Sequence[bytes]) -> types.CallToolResult:
    """Returns images of the history."""
    lines = [f"{len(pictures)} of {total} images, newest first." if pictures else "No image is found."]
    lines += [f"{_line(picture)}: {picture.prompt[:200]}" for picture in pictures]
    content: list[types.ContentBlock] = [types.TextContent(text="\n".join(lines))]
    content += [show(webp) for webp in small]
    content += [link(picture) for picture in pictures]
    data = {"images": [_picture_data(picture) for picture in pictures], "total": total}
    return types.CallToolResult(content=content, structured_content=data)


def of_models(models: Sequence[ModelFacts]) -> types.CallToolResult:
    """Returns the models: what the installed ones take, and which others there are."""
    installed = [model for model in models if model.installed]
    lines = [f"{model.id}{' (default)' if model.is_default else ''}: {_of_model(model)}" for model in installed]
    others = [model.id for model in models if not model.installed]
    if others:
        lines.append(
            f"Not installed, to be downloaded in the studio or with `zimage models download`: {', '.join(others)}."
        )
    data = [
        {
            "id": model.id,
            "name": model.name,
            "installed": model.installed,
            "default": model.is_default,
            "guidance": model.takes_guidance,
            "negative_prompt": model.takes_negative_prompt,
            "default_steps": model.default_steps,
            "sizes": [list(size) for size in model.sizes],
        }
        for model in models
    ]
    return _plain("\n".join(lines) or "No model is installed.", {"models": data})


def of_loras(loras: Sequence[LoraFacts]) -> types.CallToolResult:
    """Returns the LoRAs."""
    lines = [f"{lora.name}: {_of_lora(lora)}" for lora in loras]
    data = [
        {"name": lora.name, "kind": lora.kind, "trigger_words": list(lora.trigger_words), **_given(problem=lora.fault)}
        for lora in loras
    ]
    return _plain("\n".join(lines) or "No LoRA is here.", {"loras": data})


def _plain(text: str, data: dict[str, Any]) -> types.CallToolResult:
    return types.CallToolResult(content=[types.TextContent(text=text)], structured_content=data)


def _of_model(model: ModelFacts) -> str:
    parts = [model.description]
    if model.sizes:
        parts.append(f"Draws {', '.join(f'{width}×{height}' for width, height in model.sizes)}.")
    takes = [
        name
        for name, yes in (("guidance_scale", model.takes_guidance), ("negative_prompt", model.takes_negative_prompt))
        if yes
    ]
    parts.append(f"Takes {' and '.join(takes)}." if takes else "Takes no guidance_scale and no negative_prompt.")
    return " ".join(part for part in parts if part)


def _of_lora(lora: LoraFacts) -> str:
    if lora.fault is not None:
        return f"not usable: {lora.fault}"
    words = f"; put into the prompt: {', '.join(lora.trigger_words)}" if lora.trigger_words else ""
    return f"{lora.kind or 'usable'}{words}"


def _words(task: Progress) -> str:
    if not task.is_final:
        return f"Task {task.task_id}: {_state(task)} Ask again with the tool status."
    lines = []
    if task.status != "completed":
        lines.append(
            f"The task {'was cancelled' if task.status == 'cancelled' else 'has failed'}: {task.error or task.message}"
        )
    lines += [_line(picture) for picture in task.images]
    if task.status == "completed":
        lines.append(task.message)
    return "\n".join(lines)


def _state(task: Progress) -> str:
    if task.status == "pending":
        place = f", {task.queue_position} before it" if task.queue_position else ""
        return f"waits{place}.{_eta(task)}"
    return f"{task.status}, {task.done} of {task.total} steps ({task.message}).{_eta(task)}"


def _eta(task: Progress) -> str:
    return "" if task.eta_seconds is None else f" About {task.eta_seconds:.0f} s left."


def _line(picture: Picture) -> str:
    where = f", PNG at {picture.url}" if picture.url else ""
    return f"Image {picture.id}: {picture.width}×{picture.height}, seed {picture.seed}, {picture.model}{where}"


def _task_data(task: Progress) -> dict[str, Any]:
    return {
        "task_id": task.task_id,
        "status": task.status,
        "progress": round(100 * task.done / max(1, task.total), 1),
        "message": task.message,
        "images": [_picture_data(picture) for picture in task.images],
        **_given(queue_position=task.queue_position, eta_seconds=task.eta_seconds),
    }


def _picture_data(picture: Picture) -> dict[str, Any]:
    return {
        "id": picture.id,
        "uri": picture.uri,
        "prompt": picture.prompt,
        "seed": picture.seed,
        "width": picture.width,
        "height": picture.height,
        "model": picture.model,
        "created_at": picture.created_at,
        **_given(url=picture.url),
    }


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def resources_of(pictures: Iterable[Picture]) -> list[types.Resource]:
    """Returns images as resources."""
    return [
        types.Resource(
            uri=picture.uri,
            name=picture.filename,
            title=picture.prompt[:80],
            mime_type="image/png",
            size=picture.size_bytes,
        )
        for picture in pictures
    ]
