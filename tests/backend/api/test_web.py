from __future__ import annotations

import pytest
from starlette.testclient import TestClient

from backend.api.web import WebApp
from tests.backend.fakes import wait_until

SCRIPT = "console.log('a red apple');\n" * 200


@pytest.fixture
def web_dir(tmp_path):
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Z-Image</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-abc123.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def web(app, client, settings, web_dir) -> TestClient:
    return TestClient(WebApp(app, settings.model_copy(update={"web_dir": web_dir})), base_url="http://localhost")


@pytest.mark.parametrize("path", ["/", "/index.html", "/gallery", "/a/b/c", "/?page=2", "/api-of-mine", "/apis"])
def test_every_address_of_the_ui_is_its_page(web, path):
    response = web.get(path)
    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Z-Image</title>" in response.text


@pytest.mark.parametrize("path", ["/", "/gallery"])
def test_the_page_is_asked_for_anew(web, path):
    assert web.get(path).headers["cache-control"] == "no-cache"


def test_hashed_files_are_kept_for_ever_and_compressed(web):
    response = web.get("/assets/index-abc123.js", headers={"accept-encoding": "gzip"})
    assert response.text == SCRIPT
    assert "immutable" in response.headers["cache-control"]
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) < len(SCRIPT) / 10


def test_a_hashed_file_that_is_gone_is_no_page(web):
    assert web.get("/assets/index-old.js").status_code == 404


def test_files_beside_the_page(web):
    assert web.get("/favicon.svg").text == "<svg/>"


@pytest.mark.parametrize("path", ["/health", "/docs", "/openapi.json", "/api/models", "/api/history", "/v1/models"])
def test_the_api_is_on_the_same_origin(web, client, services, path):
    wait_until(lambda: services.executor.loaded_models)  # the demo model, which is loaded ahead
    assert web.get(path).content == client.get(path).content


def test_an_unknown_address_of_the_api_is_no_page(web):
    assert web.get("/api/nothing").json()["error"]["code"] == "not_found"
    assert web.get("/v1/nothing").json()["error"]["type"] == "invalid_request_error"


def test_a_picture_through_the_ui_origin(web, post, finish):
    image = finish(post())["result"]
    assert web.get(image["download_url"]).headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    "path",
    ["/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/assets/..%2f..%2fsecret.txt", "/..%5csecret.txt",
     "/assets/%00", "/%00", "//etc/passwd", "/assets//etc/passwd"],
)  # fmt: skip
def test_nothing_outside_the_folder_is_served(web, path):
    response = web.get(path)
    assert response.status_code in (200, 404)
    assert "secret" not in response.text
    assert "root:" not in response.text


def test_a_ui_that_is_not_built_is_said(app, client, settings):
    web = TestClient(WebApp(app, settings), base_url="http://localhost")
    response = web.get("/")
    assert response.status_code == 503
    assert "start.sh" in response.text
    assert web.get("/api/models").status_code == 200


@pytest.mark.parametrize("path", ["/", "/gallery", "/favicon.svg"])
def test_a_page_is_only_read(web, path):
    assert web.post(path).status_code == 405
