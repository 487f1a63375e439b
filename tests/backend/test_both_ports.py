"""What every answer carries, whichever port it comes from and whatever became of the request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from backend.api.middleware.faults import FaultGuard
from backend.api.web import WebApp
from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

TOKEN = "0123456789abcdef"
BEARER = {"authorization": f"Bearer {TOKEN}"}
EVIL = {"origin": "http://evil.example"}
WRONG = {"authorization": "Bearer wrong"}
NO_TASK = f"/api/generate/{'0' * 32}"
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-site",
}
REQUESTS = {
    200: ("GET", "/api/models", BEARER, None),
    202: ("POST", "/api/generate", BEARER, b'{"prompt": "a", "height": 256, "width": 256}'),
    204: ("DELETE", "/api/session", {}, None),
    401: ("GET", "/api/models", {}, None),
    403: ("POST", "/api/generate", {**BEARER, **EVIL}, b"{}"),
    404: ("GET", NO_TASK, BEARER, None),
    405: ("PUT", "/api/generate", BEARER, b"{}"),
    400: ("POST", "/api/generate", BEARER, b"\xff"),
    413: ("POST", "/api/generate", BEARER, b" " * 300_000),
    415: ("POST", "/api/generate", {**BEARER, "content-encoding": "gzip"}, b"{}"),
    421: ("GET", "/api/models", {**BEARER, "host": "evil.example"}, None),
    422: ("POST", "/api/generate", BEARER, b"{}"),
    500: ("GET", "/api/history", BEARER, None),
    503: ("POST", "/api/generate", BEARER, b'{"prompt": "drained", "height": 256, "width": 256}'),
}


@pytest.fixture(scope="module")
def ports(tmp_path_factory) -> Iterator[dict[str, TestClient]]:
    folder = tmp_path_factory.mktemp("ports")
    web_dir = folder / "dist"
    web_dir.mkdir()
    (web_dir / "index.html").write_text("<!doctype html><title>Z-Image</title>")
    settings = make_settings(folder).model_copy(update={"api_token": TOKEN, "web_dir": web_dir})
    app = create_app(settings, FakeEngine, lambda: PLAIN_CPU)
    kind = {"base_url": "http://localhost", "raise_server_exceptions": False}
    with TestClient(app, **kind) as api:
        app.state.services.history.find = lambda *_: 1 / 0
        yield {"api": api, "ui": TestClient(WebApp(app, settings), **kind)}


def assert_guarded(response) -> None:
    missing = {
        name: response.headers.get(name) for name, value in HEADERS.items() if response.headers.get(name) != value
    }
    assert missing == {}, response.status_code
    assert "frame-ancestors 'none'" in response.headers["content-security-policy"]


@pytest.mark.parametrize("port", ["api", "ui"])
@pytest.mark.parametrize("status", REQUESTS)
def test_an_answer_of_every_status_tells_browsers_to_trust_little(ports, port, status):
    method, path, headers, content = REQUESTS[status]
    tasks = ports["api"].app.state.services.tasks
    tasks.draining = status == 503
    if content:
        headers = {**headers, "content-type": "application/json"}
    response = ports[port].request(method, path, headers=headers, content=content, follow_redirects=False)
    tasks.draining = False
    assert response.status_code == status, response.text
    assert_guarded(response)
    assert "script-src" not in response.headers["content-security-policy"]


@pytest.mark.parametrize("path", ["/", "/gallery", "/nothing.js", "/assets/nothing.js", "/health", "/docs"])
def test_so_does_every_page(ports, path):
    for headers in (BEARER, {"host": "evil.example"}):
        response = ports["ui"].get(path, headers=headers)
        assert (response.status_code == 421) == ("host" in headers)
        assert_guarded(response)


def test_a_fault_among_the_files_does_so_too(ports, monkeypatch):
    monkeypatch.setattr("backend.api.web.FileResponse", lambda *_, **__: 1 / 0)
    response = ports["ui"].get("/")
    assert (response.status_code, response.json()["error"]["code"]) == (500, "internal_error")
    assert_guarded(response)


@pytest.mark.parametrize("port", ["api", "ui"])
def test_preflights_do_so_too(ports, port):
    for origin, status in (("http://localhost:15001", 200), ("http://evil.example", 400)):
        headers = {"origin": origin, "access-control-request-method": "POST"}
        response = ports[port].options("/api/generate", headers=headers)
        assert response.status_code == status
        assert_guarded(response)


def test_a_page_elsewhere_that_is_listed_can_read_a_fault_of_ours(ports):
    origin = "http://localhost:3000"
    response = ports["api"].get("/api/history", headers={**BEARER, "origin": origin})
    assert (response.status_code, response.headers["access-control-allow-origin"]) == (500, origin)


def test_guessing_is_refused_with_the_headers_on_both_ports(ports):
    """The last test of this module: it closes the door."""
    for _ in range(11):
        ports["api"].get("/api/models", headers=WRONG)
    for port in ports.values():
        response = port.get("/api/models", headers=BEARER)
        assert response.status_code == 429
        assert_guarded(response)


def test_half_an_answer_is_not_followed_by_another():
    sent: list[dict] = []

    async def breaks_off(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise OSError("gone")

    async def send(message: dict) -> None:
        sent.append(message)

    with pytest.raises(OSError, match="gone"):
        asyncio.run(FaultGuard(breaks_off)({"type": "http"}, None, send))
    assert [message["type"] for message in sent] == ["http.response.start"]
