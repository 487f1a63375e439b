"""Every field of every body with values that nobody expects: an answer, never a fault of ours."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO

import pytest
from PIL import Image
from starlette.testclient import TestClient

from backend.api.compat.a1111.wire import (
    DrawRequest,
    ExtrasBatchRequest,
    ExtrasImageRequest,
    ImageRequest,
    Img2ImgRequest,
    Txt2ImgRequest,
)
from backend.api.compat.ollama.wire import GenerateBody, ImageOptions, ShowBody
from backend.api.compat.values import Lenient
from backend.main import create_app
from tests.backend.conftest import make_settings
from tests.backend.fakes import PLAIN_CPU, FakeEngine

ODD = (None, -1, 0, 10**30, 1e308, "", "None", "\0", "http://x", [], [[1]], {"args": [1]}, {"sd_model_checkpoint": [1]})
SDAPI = "/sdapi/v1"
BODIES: dict[str, type[Lenient]] = {
    f"{SDAPI}/txt2img": Txt2ImgRequest,
    f"{SDAPI}/img2img": Img2ImgRequest,
    f"{SDAPI}/extra-single-image": ExtrasImageRequest,
    f"{SDAPI}/extra-batch-images": ExtrasBatchRequest,
    f"{SDAPI}/png-info": ImageRequest,
    f"{SDAPI}/options": DrawRequest,
    "/ollama/api/generate": GenerateBody,
    "/ollama/api/show": ShowBody,
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    settings = make_settings(tmp_path_factory.mktemp("odd")).model_copy(update={"ollama": 11434})
    app = create_app(settings, FakeEngine, hardware=lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def usual() -> dict[str, object]:
    file = BytesIO()
    Image.new("RGB", (40, 30), "red").save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    return {
        "prompt": "a", "model": "auto", "width": 256, "height": 256, "steps": 2, "image": text, "init_images": [text],
        "imageList": [{"data": text}], "stream": False,
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("path", BODIES)
def test_an_odd_field_is_answered(client, usual, path):
    for field in BODIES[path].model_fields:
        for value in ODD:
            answer = client.post(path, json={**usual, field: value})
            assert answer.status_code < 500, (field, value, answer.text)
            assert answer.status_code == 200 or "error" in answer.json(), (field, value)


@pytest.mark.slow
def test_an_odd_option_is_answered(client, usual):
    for field in ImageOptions.model_fields:
        for value in ODD:
            answer = client.post("/ollama/api/generate", json={**usual, "options": {field: value}})
            assert answer.status_code < 500, (field, value, answer.text)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"1", b'"a"', b"{", b"\xff", b"[" * 5000])
def test_what_is_no_object_is_answered(client, path, content):
    answer = client.post(path, content=content, headers={"content-type": "application/json"})
    assert answer.status_code < 500, answer.text
