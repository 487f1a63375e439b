"""What a request may weigh, whoever sends it and however it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from backend.api.middleware.body import BodyGuard
from tests.backend.api.middleware.running import run

"""What a request may weigh, whoever sends it and however it comes."""

KB = 2**10


def too_large(response: Any) -> bool:
    return (response.status_code, response.json()["error"]["code"]) == (413, "too_large")


def pieces(size: int) -> Iterator[bytes]:
    """A body that does not say how long it is."""
    for _ in range(size // KB):
        yield b" " * KB


@pytest.mark.parametrize("path", ["/api/generate", "/api/history/bulk", "/api/tokens", "/api/nothing"])
def test_a_body_that_says_it_is_too_large(shared, path):
    assert too_large(shared.post(path, content=b" " * (257 * KB)))


@pytest.mark.parametrize("path", ["/api/generate", "/api/history/bulk", "/api/tokens"])
def test_a_body_that_does_not_say_it(shared, path):
    assert too_large(shared.post(path, content=pieces(300 * KB), headers={"content-type": "application/json"}))


@pytest.mark.parametrize("length", ["9" * 19, "9" * 5000, "262145"])
def test_a_body_that_says_a_number_beyond_all_bounds(shared, length):
    assert too_large(shared.post("/api/generate", content=b"{}", headers={"content-length": length}))


def test_a_body_that_lies_about_it(shared):
    headers = {"content-type": "application/json", "content-length": "1e3"}
    assert shared.post("/api/generate", content=b"{}", headers=headers).status_code in (400, 422)


def test_a_body_at_the_limit_is_read(shared):
    body = b'{"prompt": "a", "height": 256, "width": 256' + b" " * (255 * KB) + b"}"
    assert shared.post("/api/generate", content=body, headers={"content-type": "application/json"}).status_code == 202


def test_a_picture_may_be_larger_but_not_without_bound(shared):
    assert shared.post("/api/history/read", files={"file": b" " * (300 * KB)}).status_code == 422
    assert too_large(shared.post("/api/history/read", files={"file": b" " * (65 * 2**20)}))


async def reads_everything(scope, receive, send) -> None:
    while (await receive())["more_body"]:
        pass
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


async def swallows_errors(scope, receive, send) -> None:
    try:
        await reads_everything(scope, receive, send)
    except Exception:  # noqa: BLE001 — as the framework does
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"bad"})


@pytest.mark.parametrize("app", [reads_everything, swallows_errors])
def test_a_body_that_does_not_come_is_not_waited_for(app):
    guard = BodyGuard(app, max_bytes=100, max_upload_bytes={"/upload": 100}, timeout_s=0.01)
    sent = run(guard, [{"type": "http.request", "body": b"{", "more_body": True}])
    assert sent[0]["status"] == 408
    assert b"request_timeout" in sent[1]["body"]


@pytest.mark.parametrize("app", [reads_everything, swallows_errors])
def test_the_answer_to_too_much_is_ours_whatever_the_route_makes_of_it(app):
    guard = BodyGuard(app, max_bytes=10, max_upload_bytes={"/upload": 100})
    sent = run(guard, [{"type": "http.request", "body": b"x" * 6, "more_body": True}] * 2)
    assert [message.get("status") for message in sent] == [413, None]


def test_an_upload_is_measured_by_its_own_limit():
    guard = BodyGuard(reads_everything, max_bytes=10, max_upload_bytes={"/upload": 100})
    body = [{"type": "http.request", "body": b"x" * 50, "more_body": False}]
    assert run(guard, body, path="/upload")[0]["status"] == 200
    assert run(guard, body)[0]["status"] == 413


def test_only_pictures_that_are_read_may_be_large(shared):
    assert too_large(shared.post("/api/generate", files={"file": b" " * (300 * KB)}))


def test_a_body_of_which_a_byte_comes_now_and_then_is_not_waited_for():
    sent: list[dict[str, Any]] = []

    async def drip() -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    guard = BodyGuard(reads_everything, max_bytes=100, max_upload_bytes={"/upload": 100}, timeout_s=0.1)
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"transfer-encoding", b"chunked")]}
    asyncio.run(guard(scope, drip, send))
    assert sent[0]["status"] == 408
