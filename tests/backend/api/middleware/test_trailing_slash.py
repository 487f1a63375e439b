"""Slashes at the end of an address: the same answer, and no redirect, which behind a proxy would lead elsewhere."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from backend.api.web import WebApp

PATHS = [
    "/health",
    "/health/ready",
    "/docs",
    "/openapi.json",
    "/metrics",
    "/api/history",
    "/api/models",
    "/api/generate",
]
PROXY = {"host": "localhost:15000", "x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.7"}


@pytest.fixture(scope="module")
def web(shared) -> TestClient:
    return TestClient(WebApp(shared.app, shared.app.state.services.settings), base_url="http://localhost")


@pytest.mark.parametrize("path", PATHS)
def test_a_slash_at_the_end_changes_nothing(shared, path):
    with_slash = shared.get(f"{path}/", headers=PROXY, follow_redirects=False)
    assert with_slash.status_code == 200
    assert with_slash.headers["content-type"] == shared.get(path).headers["content-type"]


@pytest.mark.parametrize("path", [path for path in PATHS if path != "/metrics"])  # the API's alone
def test_nor_does_it_on_the_port_of_the_ui(web, shared, path):
    answer = web.get(f"{path}/", follow_redirects=False)
    assert answer.headers["content-type"] == shared.get(path).headers["content-type"]


def test_a_body_is_taken_with_it_too(shared):
    body = {"prompt": "a fox", "height": 256, "width": 256}
    assert shared.post("/api/generate/", json=body, headers=PROXY, follow_redirects=False).status_code == 202
    upload = {"file": b" " * 300_000}  # more than other bodies may have
    assert shared.post("/api/history/read/", files=upload).status_code == 422


@pytest.mark.parametrize(
    "path", ["/docs/static/", "/docs/static", "/api/", "/api", "//evil.example/", "/api//", "/assets/"]
)
def test_nothing_redirects_to_an_absolute_address(shared, web, path):
    for client in (shared, web):
        answer = client.get(path, headers=PROXY, follow_redirects=False)
        assert not answer.headers.get("location", "").startswith(("/", "http")), (path, answer.headers)
