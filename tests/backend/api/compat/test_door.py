"""Doors: whose paths they are, their errors, their addresses."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from fastapi import APIRouter

from backend.api.compat.door import Door, DoorErrors
from backend.api.compat.doors import DOORS, door_addresses, open_doors
from backend.api.errors import error_response
from backend.models.capabilities import DoorAddress
from backend.models.config import Settings

DOOR = Door(
    name="openai",
    prefix="/x",
    router=APIRouter(prefix="/x"),
    is_on=lambda _settings: True,
    translate_error=lambda status, error: (status + 1, {"said": error.message, "why": error.code}),
)


def ask(path: str, answer: Any, method: str = "GET") -> tuple[int, dict[str, str], bytes]:
    """Returns what a client of an application gets that always answers the same."""
    sent: list[Any] = []

    async def receive() -> Any:
        raise AssertionError("nobody reads")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    asyncio.run(DoorErrors(answer, (DOOR,))(scope, receive, send))
    start, *parts = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], headers, b"".join(part.get("body", b"") for part in parts)


@pytest.mark.parametrize(("path", "is_its"), [("/x", True), ("/x/y", True), ("/xy", False), ("/", False), ("", False)])
def test_a_door_leads_to_what_is_below_its_prefix(path, is_its):
    assert DOOR.leads_to(path) is is_its


def test_an_error_is_translated_and_keeps_its_headers():
    answer = error_response(429, "queue_full", "狐狸", headers={"Retry-After": "7"})
    status, headers, body = ask("/x/y", answer)
    assert (status, headers["retry-after"]) == (430, "7")
    assert json.loads(body) == {"said": "狐狸", "why": "queue_full"}
    assert headers["content-length"] == str(len(body))


def test_an_error_in_parts_is_put_together():
    whole = error_response(404, "not_found", "no").body

    async def in_parts(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": whole[:9], "more_body": True})
        await send({"type": "http.response.body", "body": whole[9:]})

    assert ask("/x", in_parts)[::2] == (405, b'{"said": "no", "why": "not_found"}')


def test_other_paths_and_other_bodies_pass_as_they_are():
    error = error_response(404, "not_found", "no")
    assert ask("/y", error)[::2] == (404, error.body)

    async def other(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 500, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": b'{"mine": 1}'})

    assert ask("/x", other)[::2] == (500, b'{"mine": 1}')


def test_a_door_that_is_closed_has_no_address(tmp_path):
    settings = Settings(data_dir=tmp_path)
    assert DoorAddress(name="openai", path="/v1") in door_addresses(settings)
    closed = settings.model_copy(update={"openai": False, "ollama": 11434})
    assert "openai" not in {door.name for door in open_doors(closed)}
    assert DoorAddress(name="ollama", path="", port=11434) in door_addresses(closed)


def test_no_two_doors_have_the_same_paths():
    assert all(one is other or not one.leads_to(other.prefix) for one in DOORS for other in DOORS)


def test_the_capabilities_name_the_open_doors(client):
    doors = client.get("/api/capabilities").json()["doors"]
    assert {"name": "openai", "path": "/v1", "port": None} in doors
