from __future__ import annotations

import base64

import pytest
from starlette.testclient import TestClient

from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

TOKEN = "0123456789abcdef"
HOME = "http://localhost:15001"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    own = make_settings(tmp_path_factory.mktemp("guarded")).model_copy(update={"host": "0.0.0.0", "api_token": TOKEN})
    with TestClient(create_app(own, FakeEngine(), lambda: PLAIN_CPU), base_url="http://box.example") as client:
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
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert TOKEN not in response.text


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
