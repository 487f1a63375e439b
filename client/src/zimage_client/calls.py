"""Every request of the API, said once for both clients."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import httpx

from zimage_client import types
from zimage_client.decode import RecordType, Unfit, decode
from zimage_client.errors import UnexpectedAnswer

T = TypeVar("T")
Plan = Generator["Call[Any]", Any, T]
"""Several calls that make one: yields calls, is sent their results, returns its own."""


def new_key() -> str:
    """Draws a name for a request by lot."""
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request and how to read its answer."""

    method: str
    path: str
    parse: Callable[[httpx.Response], T]
    params: Mapping[str, Any] = field(default_factory=dict)
    json: object = None
    file: tuple[str, bytes | Path] | None = None
    """Name and content of what is sent, or where it lies."""
    key: str = field(default_factory=new_key)
    """Of a POST, for its `Idempotency-Key`; the same at every try."""
    repeatable: bool = True
    """Whether sending it twice does what sending it once does."""
    expected: frozenset[int] = frozenset()
    """Statuses of 400 and more that are answers, not errors."""

    def build(self, http: httpx.Client | httpx.AsyncClient, prefix: str) -> httpx.Request:
        """Builds the request of one try."""
        return http.build_request(
            self.method,
            prefix + self.path,
            params={name: _text(value) for name, value in self.params.items() if value is not None},
            json=self.json,
            files={"file": _opened(*self.file)} if self.file is not None else None,
            headers={"Idempotency-Key": self.key} if self.method == "POST" else None,
        )


def generate(body: Mapping[str, Any], key: str | None) -> Call[str]:
    """Queues a task; returns its id."""
    read = _reads(types.TaskCreated)
    return Call("POST", "/api/generate", lambda r: read(r).task_id, json=body, key=key or new_key())


def estimate(body: Mapping[str, Any]) -> Call[types.Estimate]:
    """Predicts memory and seconds."""
    return Call("POST", "/api/estimate", _reads(types.Estimate), json=body)


def task(task_id: str) -> Call[types.Task]:
    """Looks at a task."""
    return Call("GET", _path("/api/generate/{}", task_id), _reads(types.Task))


def tasks(finished: bool) -> Call[tuple[types.Task, ...]]:
    """Lists tasks."""
    read = _reads(types.TaskList)
    return Call("GET", "/api/generate", lambda r: read(r).tasks, params={"finished": finished})


def events(task_id: str) -> Call[None]:
    """Opens the stream of a task's events."""
    return Call("GET", _path("/api/generate/{}/events", task_id), _nothing)


def preview(task_id: str, seq: int | None) -> Call[bytes | None]:
    """Fetches the newest preview, a WebP; None when there is none."""
    path = _path("/api/generate/{}/preview", task_id)
    return Call("GET", path, lambda r: r.content or None, params={"seq": seq})


def cancel(task_id: str) -> Call[types.Task]:
    """Cancels a task."""
    return Call("DELETE", _path("/api/generate/{}", task_id), _reads(types.Task))


def retry(task_id: str) -> Call[str]:
    """Queues a task again; not repeatable, since each makes a new task."""
    read = _reads(types.TaskCreated)
    return Call("POST", _path("/api/generate/{}/retry", task_id), lambda r: read(r).task_id, repeatable=False)


def move(task_id: str, position: int | None, by: int | None) -> Call[types.Task]:
    """Moves a waiting task, to a position or by some places."""
    if (position is None) is (by is None):
        raise ValueError("either position or by says where to move the task")
    body = {"by": by} if position is None else {"position": position}
    path = _path("/api/generate/{}/move", task_id)
    return Call("POST", path, _reads(types.Task), json=body, repeatable=by is None)


def cancel_waiting() -> Call[tuple[types.Task, ...]]:
    """Cancels one's own waiting tasks; not repeatable, since others may wait by then."""
    read = _reads(types.TaskList)
    return Call("DELETE", "/api/generate", lambda r: read(r).tasks, params={"waiting": True}, repeatable=False)


def clear() -> Call[None]:
    """Clears the finished tasks from the list."""
    return Call("DELETE", "/api/generate", _nothing, params={"finished": True})


def history(filters: Mapping[str, Any]) -> Call[types.HistoryPage]:
    """Fetches a page of the history."""
    return Call("GET", "/api/history", _reads(types.HistoryPage), params=filters)


def latest() -> Call[types.Image]:
    """Looks at the newest image."""
    return Call("GET", "/api/images/latest", _reads(types.Image))


def download(image_id: str) -> Call[bytes]:
    """Fetches an image's PNG."""
    return Call("GET", _path("/api/download/{}", image_id), lambda response: response.content)


def link(image_id: str) -> Call[types.ImageLink]:
    """Asks for an address of an image's PNG that opens without the token for an hour."""
    return Call("GET", _path("/api/download/{}/link", image_id), _reads(types.ImageLink))


def change(ids: list[str], action: str, tag: str | None = None) -> Call[types.BulkResult]:
    """Does one thing with images: delete, restore, favourite, unfavourite, tag, untag."""
    body = {"ids": ids, "action": action} | ({"tag": tag} if tag is not None else {})
    return Call("POST", "/api/history/bulk", _reads(types.BulkResult), json=body)


def delete_for_good(image_id: str) -> Call[None]:
    """Deletes an image of the trash; not repeatable, since the second finds none."""
    path = _path("/api/history/{}", image_id)
    return Call("DELETE", path, _nothing, params={"permanent": True}, repeatable=False)


def import_image(name: str, content: bytes) -> Call[types.Image]:
    """Takes an image with its parameters into the history; the same image again is the same entry."""
    return Call("POST", "/api/history/import", _reads(types.Image), file=(name, content))


def upload(name: str, content: bytes) -> Call[types.Input]:
    """Sends a picture to draw from."""
    return Call("POST", "/api/inputs", _reads(types.Input), file=(name, content))


def mask_of(image: object) -> Call[types.Input]:
    """Makes a mask of what is transparent in a picture, named as a request names one."""
    return Call("POST", "/api/inputs/mask", _reads(types.Input), json={"image": image})


def models() -> Call[types.ModelList]:
    """Lists the models."""
    return Call("GET", "/api/models", _reads(types.ModelList))


def download_model(name: str) -> Call[None]:
    """Starts or resumes a model's download; not repeatable, since the second is a conflict."""
    return Call("POST", _path("/api/models/{}/download", name), _nothing, repeatable=False)


def cancel_model_download(name: str) -> Call[None]:
    """Cancels a model's download; what has come stays."""
    return Call("DELETE", _path("/api/models/{}/download", name), _nothing)


def unload_models() -> Call[None]:
    """Frees the memory of the models."""
    return Call("POST", "/api/models/unload", _nothing)


def loras(model: str | None) -> Call[types.LoraList]:
    """Lists the LoRAs, as a model takes them."""
    return Call("GET", "/api/loras", _reads(types.LoraList), params={"model": model})


def add_lora(name: str, content: bytes | Path) -> Call[types.Lora]:
    """Sends a LoRA; the same file again is the same LoRA."""
    return Call("POST", "/api/loras", _reads(types.Lora), file=(name, content))


def lora_preview(name: str) -> Call[bytes]:
    """Fetches the preview of a LoRA, a WebP."""
    return Call("GET", _path("/api/loras/{}/preview", name), lambda response: response.content)


def delete_lora(name: str) -> Call[None]:
    """Deletes a LoRA; not repeatable, since the second finds none."""
    return Call("DELETE", _path("/api/loras/{}", name), _nothing, repeatable=False)


def status() -> Call[types.SystemStatus]:
    """Looks at the machine."""
    return Call("GET", "/api/system/status", _reads(types.SystemStatus))


def drain_worker(worker_id: str, drain: bool) -> Call[types.Worker]:
    """Lets a worker take no more tasks, or take them again."""
    path = _path("/api/system/workers/{}/drain", worker_id)
    return Call("POST", path, _reads(types.Worker), json={"drain": drain})


def capabilities() -> Call[types.Capabilities]:
    """Asks for limits, sizes and features."""
    return Call("GET", "/api/capabilities", _reads(types.Capabilities))


def readiness() -> Call[types.Readiness]:
    """Asks whether a task would be taken; "no" comes as a 503, and is an answer."""
    return Call("GET", "/health/ready", _reads(types.Readiness), expected=frozenset({503}))


class _SelfClosing(io.FileIO):
    """A file that is closed once it was read, or is forgotten."""

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(-1 if size is None else size)
        if not content:
            self.close()
        return content

    def __del__(self) -> None:
        self.close()


def _opened(name: str, content: bytes | Path) -> tuple[str, bytes | io.FileIO]:
    return name, _SelfClosing(content) if isinstance(content, Path) else content


def _reads(kind: type[RecordType]) -> Callable[[httpx.Response], RecordType]:
    def read(response: httpx.Response) -> RecordType:
        try:
            return decode(kind, response.json())
        except (json.JSONDecodeError, UnicodeDecodeError):
            raise UnexpectedAnswer(f"{response.request.url} has not answered with JSON: is it a Z-Image?") from None
        except Unfit as error:
            raise UnexpectedAnswer(f"{response.request.url} has answered with something else: {error}.") from None

    return read


def _nothing(_response: httpx.Response) -> None:
    return None


def _path(pattern: str, part: str) -> str:
    """Puts an id into a path; a slash in it stays part of the id."""
    return pattern.format(quote(part, safe=""))


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
