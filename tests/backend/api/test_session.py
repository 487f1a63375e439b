"""Logging in with a browser."""

from __future__ import annotations

from http.cookies import SimpleCookie

import pytest
from starlette.testclient import TestClient

from backend.api.web import WebApp
from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

TOKENS = {"alice": "a" * 16, "bob": "b" * 16}
HOME = "http://box.example"


@pytest.fixture
def own_settings(tmp_path):
    web_dir = tmp_path / "dist"
    web_dir.mkdir()
    (web_dir / "index.html").write_text("<!doctype html><title>Z-Image</title>")
    changes = {"host": "0.0.0.0", "api_tokens": TOKENS, "web_dir": web_dir}
    return make_settings(tmp_path).model_copy(update=changes)


@pytest.fixture
def locked(own_settings):
    return create_app(own_settings, FakeEngine, lambda: PLAIN_CPU)


@pytest.fixture
def browser(locked):
    with TestClient(locked, base_url=HOME) as client:
        yield client


def log_in(client: TestClient, name: str = "alice", **headers: str):
    return client.post("/api/session", json={"token": TOKENS[name]}, headers=headers)


def cookie_of(response):
    [morsel] = SimpleCookie(response.headers["set-cookie"]).values()
    return morsel


def test_a_server_without_tokens_asks_for_none(client):
    assert client.get("/api/session").json() == {"required": False, "name": None}
    response = client.post("/api/session", json={"token": "whatever"})
    assert (response.status_code, "set-cookie" in response.headers) == (204, False)
    assert client.delete("/api/session").status_code == 204


def test_a_page_learns_whether_to_ask(browser):
    assert browser.get("/api/session").json() == {"required": True, "name": None}
    assert browser.get("/api/models").status_code == 401
    assert log_in(browser).status_code == 204
    assert browser.get("/api/session").json() == {"required": True, "name": "alice"}
    assert browser.get("/api/models").status_code == 200


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_is_not_the_token(browser):
    response = log_in(browser)
    morsel = cookie_of(response)
    assert (morsel["path"], morsel["samesite"].lower(), bool(morsel["httponly"])) == ("/", "strict", True)
    assert int(morsel["max-age"]) == 30 * 24 * 3600
    assert not morsel["secure"]
    assert TOKENS["alice"] not in response.headers["set-cookie"]
    assert morsel.value != cookie_of(log_in(browser)).value


def test_over_https_the_cookie_is_kept_from_http(locked):
    with TestClient(locked, base_url="https://box.example") as client:
        assert cookie_of(log_in(client))["secure"]


def test_a_log_out_ends_the_session_here_too(browser):
    secret = cookie_of(log_in(browser)).value
    response = browser.delete("/api/session")
    assert (response.status_code, cookie_of(response)["max-age"]) == (204, "0")
    assert browser.get("/api/session").json()["name"] is None
    stolen = {"cookie": f"zimage_session_15000={secret}"}
    assert browser.get("/api/models", headers=stolen).status_code == 401


def test_both_ports_and_the_next_process_know_the_session(locked, own_settings):
    with TestClient(locked, base_url=HOME) as client:
        secret = cookie_of(log_in(client)).value
        ui = TestClient(WebApp(locked, own_settings), base_url=HOME)
        assert ui.get("/api/models", headers={"cookie": f"zimage_session_15000={secret}"}).status_code == 200
        assert log_in(ui, "bob").status_code == 204
        assert ui.get("/api/session").json()["name"] == "bob"
    with TestClient(create_app(own_settings, FakeEngine, lambda: PLAIN_CPU), base_url=HOME) as client:
        assert client.get("/api/models", headers={"cookie": f"zimage_session_15000={secret}"}).status_code == 200


def test_the_page_needs_no_token_and_everything_else_does(locked, own_settings):
    with TestClient(locked):
        ui = TestClient(WebApp(locked, own_settings), base_url=HOME)
        for path in ("/", "/gallery", "/index.html", "/API/session"):
            assert "<title>Z-Image</title>" in ui.get(path).text, path
        for path in ("/docs", "/openapi.json", "/api/models", "/api/history", f"/api/download/{'0' * 32}",
                     "/api/session/no", "/api//session"):  # fmt: skip
            assert ui.get(path).status_code == 401, path


@pytest.mark.parametrize("token", ["wrong", "a" * 15, "a" * 17, "A" * 16, "\u00e4" * 16])
def test_a_wrong_token_is_refused(browser, token):
    response = browser.post("/api/session", json={"token": token})
    assert (response.status_code, response.json()["error"]["code"]) == (401, "unauthorized")
    assert response.headers["www-authenticate"].startswith("Bearer ")
    assert "set-cookie" not in response.headers
    assert token not in response.text


@pytest.mark.parametrize("body", [{}, {"token": ""}, {"token": 5}, {"token": "x" * 1001}, {"token": "x", "a": 1}, []])
def test_a_login_that_is_none(browser, body):
    response = browser.post("/api/session", json=body)
    assert (response.status_code, response.json()["error"]["code"]) == (422, "validation_error")


def test_guessing_is_slow_whichever_way(browser):
    statuses = [browser.post("/api/session", json={"token": f"guess {n}"}).status_code for n in range(5)]
    statuses += [browser.get("/api/models", headers={"authorization": "Bearer wrong"}).status_code for _ in range(3)]
    asked = [browser.get("/api/session", headers={"authorization": "Bearer wrong"}) for _ in range(3)]
    assert statuses == [401] * 8
    assert [response.status_code for response in asked] == [200, 200, 429]
    assert asked[0].json()["name"] is None
    closed = log_in(browser)
    assert (closed.status_code, closed.json()["error"]["code"]) == (429, "too_many_attempts")
    assert 0 < int(closed.headers["retry-after"]) <= 60
    assert browser.get("/api/session").status_code == 200  # the page can still be shown


def test_who_is_logged_in_does_not_care_for_guesses_from_the_same_address(browser):
    log_in(browser)
    for _ in range(12):
        TestClient(browser.app, base_url=HOME).get("/api/models", headers={"authorization": "Bearer wrong"})
    assert browser.get("/api/models").status_code == 200


def test_the_cookie_is_nothing_to_pages_of_other_origins(browser):
    """Another port of this host is the same site, to which the browser sends the cookie."""
    log_in(browser)
    for site, status in (("same-site", 401), ("cross-site", 401), ("same-origin", 200), ("none", 200)):
        assert browser.get("/api/models", headers={"sec-fetch-site": site}).status_code == status
    listed = {"origin": "http://localhost:3000", "sec-fetch-site": "same-site"}
    assert browser.post("/api/tokens", json={"prompt": "a"}, headers=listed).status_code == 401


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_no_other_page_logs_in_or_out(browser, method):
    for headers in ({"origin": "http://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}):
        response = browser.request(method, "/api/session", json={"token": TOKENS["alice"]}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "wrong_origin")


@pytest.mark.parametrize("value", ["", "x", "a" * 16, "x" * 5000, '"quoted', "%00", "a=b; zimage_session_15000="])
def test_a_cookie_that_is_none(browser, value):
    assert browser.get("/api/models", headers={"cookie": f"zimage_session_15000={value}"}).status_code == 401


def test_a_task_of_a_session_is_the_token_s(browser, locked):
    log_in(browser, "bob")
    assert browser.post("/api/generate", json={"prompt": "a", "height": 256, "width": 256}).status_code == 202
    tasks = locked.state.services.tasks
    assert {task.client for task in (*tasks.active(), *tasks.finished())} == {"bob"}


def test_two_servers_on_two_ports_of_a_host_do_not_log_each_other_out(own_settings, tmp_path):
    other = own_settings.model_copy(update={"port": 16000, "data_dir": tmp_path / "other"})
    names = []
    for settings in (own_settings, other):
        with TestClient(create_app(settings, FakeEngine, lambda: PLAIN_CPU), base_url=HOME) as client:
            names.append(cookie_of(log_in(client)).key)
    assert names == ["zimage_session_15000", "zimage_session_16000"]
