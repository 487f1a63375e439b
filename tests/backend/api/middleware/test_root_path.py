"""The service under a sub-path of a site, behind proxies that cut the prefix off and behind those that leave it."""

from __future__ import annotations

import re

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from backend.api.web import WebApp
from backend.main import create_app
from backend.models.config import Settings
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

PREFIX = "/zimage"
TOKEN = "t" * 16


@pytest.fixture
def folder(tmp_path):
    web_dir = tmp_path / "dist"
    (web_dir / "assets").mkdir(parents=True)
    (web_dir / "index.html").write_text("<!doctype html><title>Z-Image</title>")
    (web_dir / "favicon.svg").write_text("<svg/>")
    (web_dir / "assets" / "index-abc.js").write_text("1")
    return tmp_path


def behind(folder, **changes):
    settings = make_settings(folder).model_copy(update={"root_path": PREFIX, "web_dir": folder / "dist", **changes})
    return settings, create_app(settings, FakeEngine, lambda: PLAIN_CPU)


@pytest.fixture(params=["the API", "the UI"])
def port(request, folder):
    """A client of either port."""
    settings, api = behind(folder)
    with TestClient(api):
        yield TestClient(api if request.param == "the API" else WebApp(api, settings), base_url="http://localhost")


@pytest.fixture
def web(folder):
    settings, api = behind(folder)
    with TestClient(api):
        yield TestClient(WebApp(api, settings), base_url="http://localhost")


@pytest.mark.parametrize("cut", [True, False], ids=["cut off", "left"])
@pytest.mark.parametrize(
    "path", ["/health", "/docs", "/redoc", "/openapi.json", "/api/models", "/docs/static/swagger-ui.css"]
)
def test_everything_is_found_whether_the_prefix_is_cut_off_or_left(port, path, cut):
    assert port.get(path if cut else PREFIX + path).status_code == 200


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_every_file_that_the_documentation_names_is_there(port, page):
    html = port.get(page).text
    names = re.findall(r"""(?:src|href)="(/[^"]+)"|url: '(/[^']+)'|spec-url="(/[^"]+)\"""", html)
    addresses = [address for groups in names for address in groups if address]
    assert len(addresses) >= 3
    for address in addresses:
        assert address.startswith(f"{PREFIX}/")
        assert port.get(address).status_code == 200, address
    assert "'unsafe-inline'" in port.get(page).headers["content-security-policy"]


def test_the_description_says_where_the_api_is(port):
    assert port.get("/openapi.json").json()["servers"] == [{"url": PREFIX}]


def test_addresses_in_answers_are_those_of_the_site(port):
    created = port.post("/api/generate", json={"prompt": "fox"})
    assert created.headers["location"] == f"{PREFIX}/api/generate/{created.json()['task_id']}"
    assert port.get(created.headers["location"]).status_code == 200


@pytest.mark.parametrize("prefix", ["", PREFIX])
@pytest.mark.parametrize("path", ["/", "/gallery", "/index.html", "/a/b/c", "/gallery/"])
def test_the_page_is_shown_in_the_folder_of_its_files(web, prefix, path):
    response = web.get(f"{prefix}{path}?page=2", follow_redirects=False)
    folder = re.sub(r"[^/]*$", "", prefix + path)
    if response.is_redirect:
        assert response.headers["location"] == "../" * (path.count("/") - 1) + "?page=2"
    else:
        assert ("<title>Z-Image</title>" in response.text, folder) == (True, f"{prefix}/")


def test_the_sub_path_without_its_slash_is_sent_to_the_page(web):
    response = web.get(f"{PREFIX}?page=2", follow_redirects=False)
    assert (response.status_code, response.headers["location"]) == (307, f"{PREFIX}/?page=2")


@pytest.mark.parametrize("path", ["/favicon.svg", "/assets/index-abc.js"])
@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_the_files_of_the_page_are_there(web, prefix, path):
    assert web.get(prefix + path).status_code == 200


def test_a_neighbour_whose_name_begins_alike_is_none_of_ours(web):
    assert web.get(f"{PREFIX}2/api/models", follow_redirects=False).is_redirect


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_host_and_origin_are_checked_there_too(port, prefix):
    assert port.get(f"{prefix}/api/models", headers={"host": "evil.example"}).status_code == 421
    for headers in ({"sec-fetch-site": "cross-site"}, {"origin": "http://evil.example"}):
        response = port.post(f"{prefix}/api/generate", json={"prompt": "fox"}, headers=headers)
        assert (response.status_code, response.json()["error"]["code"]) == (403, "wrong_origin")


@pytest.mark.parametrize("prefix", ["", PREFIX])
def test_a_token_is_asked_for_there_too_and_the_cookie_stays_below_the_sub_path(folder, prefix):
    _, api = behind(folder, api_token=TOKEN)
    with TestClient(api, base_url="http://localhost") as browser:
        assert browser.get(f"{prefix}/health").status_code == 200
        for path in ("/api/models", "/docs", "/metrics"):
            assert browser.get(prefix + path).status_code == 401
        cookie = browser.post(f"{prefix}/api/session", json={"token": TOKEN}).headers["set-cookie"]
        assert f"Path={PREFIX};" in cookie
        assert cookie.startswith("zimage_session_15000_zimage=")
        assert f"Path={PREFIX};" in browser.delete(f"{prefix}/api/session").headers["set-cookie"]


@pytest.mark.parametrize("upload", ["/api/history/read", f"{PREFIX}/api/history/read"])
def test_uploads_have_their_own_limit_there_too(port, upload):
    assert port.post(upload, files={"file": b"x" * 2**19}).status_code == 422


@pytest.mark.parametrize(
    ("given", "root_path"),
    [("", ""), ("/", ""), ("zimage", "/zimage"), ("/zimage/", "/zimage"), ("/a/b", "/a/b"), ("/a-b_c.d", "/a-b_c.d")],
)
def test_a_sub_path_is_written_with_and_without_slashes(given, root_path):
    assert Settings(root_path=given).root_path == root_path


@pytest.mark.parametrize(
    "given", ["/..", "/a/../b", "/a//b", "/a b", "/ä", '/"><script>', "https://x.example", "/api", "/docs/x", "/assets"]
)
def test_what_is_no_sub_path_or_one_of_our_own_is_refused(given):
    with pytest.raises(ValidationError):
        Settings(root_path=given)
