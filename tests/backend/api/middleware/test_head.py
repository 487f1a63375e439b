"""HEAD wherever GET is: its status and headers, without a body, without its work going on."""

from __future__ import annotations

import asyncio

import pytest

from backend.api.middleware.head import HeadAsGet
from tests.backend.fakes import PATIENCE_S

VOLATILE = {"date", "content-length"}  # of the state of the system, whose figures change
SAME_LENGTH = ["/", "/health", "/docs", "/openapi.json", "/api/capabilities", "/api/models", "/api/history"]


@pytest.mark.parametrize("path", [*SAME_LENGTH, "/metrics", "/api/system/status", "/api/generate", "/api/nothing"])
def test_head_answers_with_the_headers_of_get(shared, path):
    head, get = shared.head(path), shared.get(path)
    assert head.status_code == get.status_code
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k not in VOLATILE} == {
        k: v for k, v in get.headers.items() if k not in VOLATILE
    }
    if path in SAME_LENGTH:
        assert head.headers["content-length"] == get.headers["content-length"]


def test_head_of_a_picture(client, post, finish):
    image = finish(post())["result"]
    for url in (image["download_url"], image["thumbnail_url"], "/api/images/latest"):
        head, get = client.head(url), client.get(url)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]
        assert head.headers["content-type"] == get.headers["content-type"]


def test_head_of_a_stream_ends(client, post, engine):
    let_go_on = engine.pause_at(1)
    task_id = post()
    head = client.head(f"/api/generate/{task_id}/events")
    assert (head.status_code, head.headers["content-type"].partition(";")[0]) == (200, "text/event-stream")
    let_go_on()


def test_head_of_what_only_takes_post_is_405(shared):
    assert shared.head("/api/tokens").status_code == 405


def test_what_may_be_asked_is_said(shared):
    assert shared.put("/health").headers["allow"] == "GET, HEAD"


def test_the_metrics_tell_the_route(shared):
    shared.head("/api/capabilities")
    assert (
        'zimage_http_requests_total{method="HEAD",route="/api/capabilities",status="200"}'
        in shared.get("/metrics").text
    )


def test_a_route_that_would_go_on_is_ended():
    ended = []

    async def streams(scope, receive, send) -> None:
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                await send({"type": "http.response.body", "body": b"x", "more_body": True})
                await asyncio.sleep(0)
        finally:
            ended.append(scope["method"])

    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "HEAD", "path": "/", "headers": []}
    asyncio.run(asyncio.wait_for(HeadAsGet(streams)(scope, None, send), PATIENCE_S))
    assert ended == ["GET"]
    assert [message["type"] for message in sent] == ["http.response.start", "http.response.body"]
