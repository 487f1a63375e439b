from __future__ import annotations

import asyncio
import base64

import pytest
from starlette.responses import Response
from starlette.testclient import TestClient

from backend.api.middleware.host import HostGuard
from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine, wait_until

TOKEN = "0123456789abcdef"
HOME = "http://localhost:15001"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    own = make_settings(tmp_path_factory.mktemp("guarded")).model_copy(update={"host": "0.0.0.0", "api_token": TOKEN})
    app = create_app(own, FakeEngine(), lambda: PLAIN_CPU)
    app.state.services.door.MAX_FAILURES = 10**6
    with TestClient(app, base_url="http://box.example") as client:
        yield client


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:15000", "127.0.0.1", "127.0.0.1:15001", "[::1]", "[::1]:15000"]
)
def test_this_machines_names(shared, host):
    assert shared.get("/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:15000", "", "0.0.0.0", "127.1", "localhost.", "localhost.evil.example",
     "127.0.0.1.nip.io", "localhost:80:80", "user@localhost", "localhost:x", "::1", "2130706433"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "OPTIONS"])
def test_dns_rebinding_cve_2024_28224(shared, host, method):
    response = shared.request(method, "/api/generate", headers={"host": host})
    assert (response.status_code, response.json()["error"]["code"]) == (421, "wrong_host")


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
    "path", ["/", "/docs", "/openapi.json", "/api/models", "/api/generate", "/nothing", "/healthz", "/health/"]
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


@pytest.mark.parametrize("origin", [HOME, "http://localhost:5173", "http://localhost:3000"])
def test_the_listed_origins_may_call(shared, origin):
    preflight = shared.options(
        "/api/generate",
        headers={"origin": origin, "access-control-request-method": "POST",
                 "access-control-request-headers": "content-type"},
    )  # fmt: skip
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (200, origin)
    answer = shared.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}, headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    assert "Location" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "http://localhost:15001.evil.example", "http://localhost"]
)
def test_no_other_origin_does(shared, origin):
    preflight = shared.options("/api/generate", headers={"origin": origin, "access-control-request-method": "POST"})
    assert preflight.status_code == 400
    assert "access-control-allow-origin" not in preflight.headers
    assert "access-control-allow-origin" not in shared.get("/health", headers={"origin": origin}).headers


def test_a_preflight_needs_no_token(guarded):
    preflight = guarded.options("/api/generate", headers={"origin": HOME, "access-control-request-method": "POST"})
    assert preflight.status_code == 200


# -- who may change something -----------------------------------------------------------------------------------------

ORIGINS = {
    None: True, HOME: True, "http://localhost:5173": True, "http://localhost": True, "null": False,
    "http://evil.example": False, "http://localhost.evil.example": False, "https://localhost:15002": False,
}  # fmt: skip
SITES = {None: None, "same-origin": True, "none": True, "same-site": False, "cross-site": False, "strange": False}


@pytest.mark.parametrize("origin", ORIGINS)
@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize(
    "body", [{}, {"json": {"ids": []}}, {"data": {"a": "b"}}, {"files": {"file": b"x"}}, {"content": b"{}"}],
    ids=["bodyless", "json", "form", "multipart", "plain"],
)  # fmt: skip
def test_csrf_matrix(shared, origin, site, body):
    """A listed origin may; else the browser's own word counts, and without one the origin must be ours or missing."""
    listed = origin in (HOME, "http://localhost:5173")
    allowed = listed or (ORIGINS[origin] if SITES[site] is None else SITES[site])
    headers = {name: value for name, value in (("origin", origin), ("sec-fetch-site", site)) if value is not None}

    for method in ("POST", "PATCH", "DELETE", "PUT") if not body else ("POST",):
        response = shared.request(method, "/api/history/bulk", headers=headers, **body)
        assert (response.status_code != 403) == allowed, (method, response.text)
        if not allowed:
            assert response.json()["error"]["code"] == "wrong_origin"
    assert body or shared.get("/api/history", headers=headers).status_code == 200


def test_gets_change_nothing(shared):
    before = shared.get("/api/generate", params={"finished": True}).json()
    for path in ("/api/generate", f"/api/generate/{'0' * 32}/retry", "/api/history/bulk", "/api/tokens"):
        shared.get(path)
    assert shared.get("/api/generate", params={"finished": True}).json() == before


# -- several tokens, and guessing -------------------------------------------------------------------------------------


def test_each_token_is_a_client_of_its_own(tmp_path):
    tokens = {"alice": "a" * 16, "bob": "b" * 16}
    own = make_settings(tmp_path).model_copy(update={"host": "0.0.0.0", "api_tokens": tokens})
    app = create_app(own, FakeEngine(), lambda: PLAIN_CPU)
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
    with TestClient(create_app(own, FakeEngine(), lambda: PLAIN_CPU), base_url="http://box.example") as client:
        wrong, right = ({"authorization": f"Bearer {token}"} for token in ("w" * 16, TOKEN))
        statuses = [client.get("/api/models", headers=wrong).status_code for _ in range(12)]
        assert statuses == [401] * 10 + [429] * 2
        closed = client.get("/api/models", headers=right)
        assert (closed.status_code, closed.json()["error"]["code"]) == (429, "too_many_attempts")
        assert 0 < int(closed.headers["retry-after"]) <= 60
        assert client.get("/health").status_code == 200


async def answers(scope, receive, send) -> None:
    await Response("ok")(scope, receive, send)


@pytest.mark.parametrize(
    ("address", "has_tokens", "status"),
    [("127.0.0.1", False, 200), ("::1", False, 200), ("::ffff:127.0.0.1", False, 200), ("192.168.1.5", False, 421),
     ("::ffff:192.168.1.5", False, 421), ("192.168.1.5", True, 200), ("/run/zimage.sock", False, 200)],
)  # fmt: skip
def test_an_address_that_the_settings_do_not_know_of_opens_no_door(address, has_tokens, status):
    """`uvicorn backend.main:app --host 0.0.0.0` serves the network, and a client can name any host it likes."""
    sent: list[dict] = []

    async def send(message: dict) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "GET", "path": "/", "server": (address, 15000),
             "headers": [(b"host", b"localhost:15000")]}  # fmt: skip
    asyncio.run(HostGuard(answers, has_tokens=has_tokens)(scope, None, send))

    assert sent[0]["status"] == status
    if status == 421:
        assert b"ZIMAGE_HOST" in sent[1]["body"]
        assert b"ZIMAGE_API_TOKEN" in sent[1]["body"]
