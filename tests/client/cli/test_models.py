"""`zimage models`."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx
import pytest
from zimage_client.cli import models


def turbo(state: str = "none", done: int = 0, *, installed: bool = False, message: str = "") -> httpx.Response:
    download = {"state": state, "done_bytes": done, "total_bytes": 100, "message": message}
    model = {"id": "z-image-turbo", "installed": installed, "download_gb": 32.9, "download": download}
    return httpx.Response(200, json={"default": None, "models": [model]})


Hub = Callable[..., list[str]]


@pytest.fixture
def hub(answers, monkeypatch) -> Hub:
    """Answers with these lists of models, one a look, and accepts what is posted; gives the requests."""
    monkeypatch.setattr(models, "POLL_S", 0)

    def use(*looks: httpx.Response | type[BaseException], conflict: bool = False) -> list[str]:
        left, requests = list(looks), []

        def answer(request: httpx.Request) -> httpx.Response:
            requests.append(f"{request.method} {request.url.path}")
            if request.method != "GET":
                error = {"error": {"code": "conflict", "message": "Another one is being downloaded."}}
                return httpx.Response(409, json=error) if conflict else httpx.Response(202)
            look = left.pop(0)
            if isinstance(look, type):
                raise look
            return look

        answers(answer)
        return requests

    return use


def test_models_are_listed(zimage, on_server):
    rows = [line.split("\t") for line in zimage("models", "list").lines]
    assert ["zimage-nano", "*", "installed"] in [row[:3] for row in rows]
    assert json.loads(zimage("models", "list", "--json").out)["default"] == "zimage-nano"


def test_a_download_is_followed_to_its_end(zimage, hub):
    requests = hub(
        turbo(), turbo("running", 10, message="one"), turbo("running", 50, message="two"), turbo(installed=True)
    )
    ended = zimage("models", "download", "z-image-turbo")
    assert (ended.code, ended.err.splitlines()) == (0, ["one", "two", "z-image-turbo is installed."])
    assert requests[1] == "POST /api/models/z-image-turbo/download"


def test_a_download_that_runs_already_is_followed_too(zimage, hub):
    hub(turbo(), turbo("running", 10), turbo("running", 20), turbo(installed=True), conflict=True)
    assert zimage("models", "download", "z-image-turbo").code == 0
    hub(turbo(), turbo(), conflict=True)
    ended = zimage("models", "download", "z-image-turbo")
    assert ended.code == 1
    assert "Another one" in ended.err


def test_a_download_that_fails_or_is_stopped(zimage, hub):
    hub(turbo(), turbo("running"), turbo("failed", message="The hub is away."))
    ended = zimage("models", "download", "z-image-turbo")
    assert ended.code == 1
    assert "The hub is away." in ended.err
    hub(turbo(), turbo())
    assert "was stopped" in zimage("models", "download", "z-image-turbo").err


def test_ctrl_c_stops_a_download(zimage, hub):
    requests = hub(turbo(), turbo("running", 5), KeyboardInterrupt)
    assert zimage("models", "download", "z-image-turbo").code == 130
    assert requests[-1] == "DELETE /api/models/z-image-turbo/download"


def test_what_need_not_or_cannot_be_downloaded(zimage, on_server):
    assert zimage("models", "download", "zimage-nano").code == 0
    ended = zimage("models", "download", "nobody")
    assert ended.code == 1
    assert "zimage-nano" in ended.err
    assert zimage("models", "unload").code == 0


def test_a_download_that_is_only_started(zimage, hub):
    requests = hub(turbo())
    assert zimage("models", "download", "z-image-turbo", "--no-wait").code == 0
    assert requests[-1].startswith("POST")
