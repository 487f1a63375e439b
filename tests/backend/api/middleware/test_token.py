from __future__ import annotations

import base64

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until

HOME = "http://localhost:15001"

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    own = make_settings(tmp_path_factory.mktemp("guarded")).model_copy(update={"host": "0.0.0.0", "api_token": TOKEN})
    app = create_app(own, FakeEngine, lambda: PLAIN_CPU)
    app.state.services.access_tokens.MAX_FAILURES = 10**6
    with TestClient(app, base_url="http://box.example") as client:
        yield client


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic("", TOKEN), basic("me", TOKEN)])
def test_the_token_opens(guarded, value):
    assert guarded.get("/api/models", headers={"authorization": value}).status_code == 200


@pytest.mark.parametrize(
    "value",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Bearer {TOKEN}x", TOKEN, f"Token {TOKEN}", basic("me", "wrong"),
     basic(TOKEN, ""), "Basic !!!", "Basic YQ==", "Bearer \xff\xfe"],
)  # fmt: skip
@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/api/models", "/api/generate", "/nothing", "/healthz", "/health/no"]
)
def test_nothing_else_does(guarded, value, path):
    headers = {} if value is None else {"authorization": value.encode("latin-1")}
    response = guarded.get(path, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert TOKEN not in response.text


@pytest.mark.parametrize("path", ["/docs", "/api/models"])
def test_a_person_who_opens_an_address_is_asked_for_a_password(guarded, path):
    """What a page fetches must not make the browser ask: the page has a login of its own."""
    opened = guarded.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert opened.headers["www-authenticate"].startswith("Basic ")
    for accept in ("*/*", "application/json, text/plain, */*", "image/avif,image/webp,*/*"):
        assert guarded.get(path, headers={"accept": accept}).headers["www-authenticate"].startswith("Bearer ")


def test_the_health_needs_no_token(guarded):
    assert guarded.get("/health").status_code == 200


def test_a_name_of_the_network_is_fine_with_a_token(guarded):
    headers = {"authorization": f"Bearer {TOKEN}", "host": "box.example:15000"}
    assert guarded.get("/api/models", headers=headers).status_code == 200


def test_a_preflight_needs_no_token(guarded):
    preflight = guarded.options("/api/generate", headers={"origin": HOME, "access-control-request-method": "POST"})
    assert preflight.status_code == 200


def test_each_token_is_a_client_of_its_own(tmp_path):
    tokens = {"alice": "a" * 16, "bob": "b" * 16}
    own = make_settings(tmp_path).model_copy(update={"host": "0.0.0.0", "api_tokens": tokens})
    app = create_app(own, FakeEngine, lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://box.example") as client:
        for token in tokens.values():
            headers = {"authorization": f"Bearer {token}"}
            body = {"prompt": "a", "height": 256, "width": 256}
            assert client.post("/api/generate", json=body, headers=headers).status_code == 202
        tasks = app.state.services.tasks
        wait_until(lambda: len(tasks.finished()) == 2)
        assert {task.client for task in tasks.finished()} == {"alice", "bob"}


def test_guessing_is_answered_with_429(tmp_path):
    own = make_settings(tmp_path).model_copy(update={"host": "0.0.0.0", "api_token": TOKEN})
    with TestClient(create_app(own, FakeEngine, lambda: PLAIN_CPU), base_url="http://box.example") as client:
        wrong, right = ({"authorization": f"Bearer {token}"} for token in ("w" * 16, TOKEN))
        statuses = [client.get("/api/models", headers=wrong).status_code for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        closed = client.get("/api/models", headers=right)
        assert (closed.status_code, closed.json()["error"]["code"]) == (429, "too_many_attempts")
        assert 0 < int(closed.headers["retry-after"]) <= 60
        assert client.get("/health").status_code == 200
