"""The description of the API is whole, and its errors are those that really come."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from backend.api import examples
from backend.api.compat.door import Door
from backend.api.compat.doors import DOORS
from backend.main import create_app
from backend.models.config import Settings
from backend.models.schemas import ErrorBody, ErrorDetail
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, a_picture, a_request, wait_until
from tests.backend.regenerate_openapi import current_openapi

TOKEN = "0123456789abcdef"
BEARER = {"authorization": f"Bearer {TOKEN}"}
SMALL = {"prompt": "a", "height": 256, "width": 256}
HEALTH = ("/health", "/health/ready")
Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return current_openapi()


@pytest.fixture(scope="module")
def operations(spec) -> list[Operation]:
    found = [
        (path, method.upper(), operation)
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(found) >= 30
    return found


def test_every_operation_has_one_tag_and_every_tag_has_words(spec, operations):
    described = {tag["name"]: tag["description"] for tag in spec["tags"]}
    assert all(described.values())
    assert {name for _, _, operation in operations for name in operation["tags"]} == set(described)
    assert all(len(operation["tags"]) == 1 for _, _, operation in operations)
    assert all(operation["description"] for _, _, operation in operations)


def test_the_ways_to_come_in_are_described(spec):
    schemes = spec["components"]["securitySchemes"]
    assert {} in spec["security"]
    assert {name for way in spec["security"] for name in way} == set(schemes)
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}


def test_every_operation_names_what_the_guards_answer(operations):
    for path, method, operation in operations:
        wanted = {"421", "500"}
        wanted |= set() if path in HEALTH else {"429"}
        wanted |= set() if path in (*HEALTH, "/api/session") else {"401"}
        wanted |= set() if method == "GET" else {"403"}
        wanted |= {"400", "408", "413", "415", "422"} if "requestBody" in operation else set()
        wanted |= {"404", "422"} if "{" in path else set()
        door = door_of(path)
        if door is not None:
            some = ErrorDetail(code="validation_error", message="…")
            wanted = {str(door.translate_error(int(status), some)[0]) for status in wanted}
        assert wanted <= set(operation["responses"]), (method, path)


def bodies(operation: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yields the status (empty for the request), media type and description of each body."""
    yield from (("", kind, media) for kind, media in operation.get("requestBody", {}).get("content", {}).items())
    for status, response in operation["responses"].items():
        yield from ((status, kind, media) for kind, media in response.get("content", {}).items())


def test_every_body_has_an_example(spec, operations):
    seen = 0
    for path, method, operation in operations:
        for status, kind, media in bodies(operation):
            where = (method, path, status, kind)
            if status >= "400" and not (path in HEALTH and status == "503"):  # their own body says it
                check_error(spec, path, kind, media, where)
            elif kind == "application/json":
                assert resolve(spec, media["schema"]["$ref"])["examples"], where
            elif kind.startswith("text/"):
                assert media["example"], where
            else:
                assert kind.startswith(("image/", "multipart/")) or kind == "application/zip", where
            seen += 1
    assert seen >= 200


def check_error(spec: dict[str, Any], path: str, kind: str, media: dict[str, Any], where: object) -> None:
    door = door_of(path)
    name = "ErrorBody" if door is None else door.error_model.__name__
    assert (kind, media["schema"]) == ("application/json", {"$ref": f"#/components/schemas/{name}"}), where
    examples = [resolve(spec, ref) if (ref := one.get("$ref")) else one for one in media["examples"].values()]
    assert examples, where
    assert all(example["value"] for example in examples), where
    if door is not None:
        assert all(door.error_model.model_validate(example["value"]) for example in examples), where


def door_of(path: str) -> Door | None:
    return next((door for door in DOORS if door.leads_to(path)), None)


def resolve(spec: dict[str, Any], ref: str) -> Any:
    for name in ref.removeprefix("#/").split("/"):
        spec = spec[name]
    return spec


def test_the_examples_are_what_they_are_examples_of():
    for name, example in examples.bodies().items():
        dumped = example.model_dump_json(exclude_unset=True)
        assert type(example).model_validate_json(dumped) == example, name


def test_every_error_that_is_described_has_words_and_examples(operations):
    statuses = {int(status) for _, _, operation in operations for status in operation["responses"] if status >= "400"}
    assert statuses == set(examples.errors()) == set(PROVOKE)
    assert all(
        response["description"] for _, _, operation in operations for response in operation["responses"].values()
    )


# -- each of them, provoked -------------------------------------------------------------------------------------------


class Service:
    """A server with a token and a history, to be made angry."""

    def __init__(self, settings: Settings) -> None:
        self.engine = FakeEngine()
        self.app = create_app(settings, lambda: self.engine, lambda: PLAIN_CPU)
        self.client = TestClient(self.app, base_url="http://localhost", raise_server_exceptions=False)

    @property
    def services(self) -> Any:
        return self.app.state.services

    def ask(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> tuple[int, Any]:
        response = self.client.request(method, path, headers={**BEARER, **(headers or {})}, **more)
        assert response.headers["x-content-type-options"] == "nosniff"
        return response.status_code, response.json()

    def body_that_never_comes(self) -> tuple[int, Any]:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            raise TimeoutError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        headers = {**BEARER, "host": "localhost", "content-type": "application/json", "content-length": "9"}
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": "/api/generate", "headers": raw, "query_string": b"",
                 "server": ("127.0.0.1", 15000), "client": ("127.0.0.1", 1), "scheme": "http"}  # fmt: skip
        asyncio.run(self.app(scope, receive, send))
        assert (b"x-content-type-options", b"nosniff") in sent[0]["headers"]
        return sent[0]["status"], json.loads(sent[1]["body"])

    def fault(self) -> tuple[int, Any]:
        self.services.history.find = lambda *_: 1 / 0
        return self.ask("GET", "/api/history")

    def drained(self) -> tuple[int, Any]:
        self.services.tasks.draining = True
        return self.ask("POST", "/api/generate", json=SMALL)

    def full_disk(self) -> tuple[int, Any]:
        self.services.admission._min_free_disk_mb = 10**12
        return self.ask("POST", "/api/generate", json=SMALL)

    def not_in_the_trash(self) -> tuple[int, Any]:
        image_id = self.services.history.add(a_picture()).id
        return self.ask("DELETE", f"/api/history/{image_id}?permanent=true")

    def full_queue(self) -> tuple[int, Any]:
        self.engine.pause_at(1)
        self.services.tasks.submit(a_request())
        wait_until(self.engine.paused.is_set)
        for _ in range(2):
            answer = self.ask("POST", "/api/generate", json=SMALL)
        self.services.tasks.close(0)
        self.engine._pauses[1].set()
        return answer


PROVOKE: dict[int, Callable[[Service], tuple[int, Any]]] = {
    400: lambda service: service.ask("POST", "/api/generate", {"content-type": "application/json"}, content=b"\xff"),
    401: lambda service: service.ask("POST", "/api/session", json={"token": "wrong"}),
    403: lambda service: service.ask("POST", "/api/generate", {"origin": "http://evil.example"}, json=SMALL),
    404: lambda service: service.ask("GET", f"/api/download/{'0' * 32}"),
    408: Service.body_that_never_comes,
    409: Service.not_in_the_trash,
    413: lambda service: service.ask("POST", "/api/generate", content=b" " * 300_000),
    415: lambda service: service.ask("POST", "/api/generate", {"content-encoding": "gzip"}, json=SMALL),
    421: lambda service: service.ask("GET", "/api/models", {"host": "evil.example"}),
    422: lambda service: service.ask("POST", "/api/generate", json={**SMALL, "width": 8}),
    429: Service.full_queue,
    500: Service.fault,
    503: Service.drained,
    507: Service.full_disk,
}


@pytest.mark.parametrize("status", PROVOKE)
def test_the_error_comes_as_it_is_described(status, tmp_path):
    settings = make_settings(tmp_path).model_copy(update={"api_token": TOKEN, "max_queued_tasks": 1})
    service = Service(settings)
    with service.client:
        answered, body = PROVOKE[status](service)
    assert answered == status, body
    error = TypeAdapter(ErrorBody).validate_python(body).error
    assert error.code in {example.error.code for example in examples.errors()[status]}
    assert (error.position is not None) == (error.code == "queue_full")
    assert bool(error.fields) == (error.code == "validation_error")
