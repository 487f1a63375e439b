"""What SillyTavern's server and Open WebUI send, in the order in which they send it."""

from __future__ import annotations

import base64
import json
from io import BytesIO
from typing import Any

import pytest
from PIL import Image
from starlette.testclient import TestClient

from backend.main import create_app
from tests.backend.fakes import PLAIN_CPU

EMPTY_AUTHORIZATION = {"authorization": ""}
NO_CREDENTIALS = {"authorization": f"Basic {base64.b64encode(b':').decode()}"}


class Program:
    """A client of the door that always sends the same header."""

    def __init__(self, client, headers: dict[str, str]) -> None:
        self._client = client
        self._headers = headers

    def get(self, path: str) -> Any:
        answer = self._client.get(f"/sdapi/v1/{path}", headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: object = None) -> Any:
        answer = self._client.post(f"/sdapi/v1/{path}", json=body, headers=self._headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


def size_of(text: str) -> tuple[int, int]:
    with Image.open(BytesIO(base64.b64decode(text))) as image:
        return image.size


def test_open_webui(client, engine):
    program = Program(client, EMPTY_AUTHORIZATION)
    options = program.get("options")
    assert options["sd_model_checkpoint"] == "zimage-nano"
    (model,) = program.get("sd-models")
    assert (model["title"], model["model_name"]) == ("zimage-nano", "zimage-nano")
    assert program.post("options", options | {"sd_model_checkpoint": model["title"]}) is None

    wanted = {"prompt": "a red apple", "batch_size": 2, "width": 256, "height": 256, "negative_prompt": "blurry"}
    answer = program.post("txt2img", wanted | {"steps": 5, "cfg_scale": 7.5, "sampler_name": "Euler a"})

    assert [size_of(image) for image in answer["images"]] == [(256, 256)] * 2
    assert json.loads(answer["info"])["all_prompts"] == ["a red apple"] * 2
    assert {recipe.num_inference_steps for recipe in engine.requests} == {5}


@pytest.mark.parametrize("headers", [NO_CREDENTIALS, EMPTY_AUTHORIZATION])
def test_sillytavern(client, engine, headers):
    program = Program(client, headers)
    assert program.get("options")["sd_model_checkpoint"]
    assert "forge_preset" not in program.get("options")
    for path in ("upscalers", "latent-upscale-modes", "samplers", "schedulers"):
        assert all(isinstance(item["name"], str) for item in program.get(path))
    assert program.get("upscalers")[0]["name"] == "None"
    assert program.get("sd-vae") == []
    assert program.post("options", {"sd_model_checkpoint": program.get("sd-models")[0]["title"]}) is None
    idle = program.get("progress")
    assert (idle["progress"], idle["state"]["job_count"]) == (0, 0)

    answer = program.post(
        "txt2img",
        {
            "url": "http://localhost:15000", "auth": "", "prompt": "a fox", "negative_prompt": "lowres",
            "sampler_name": "Euler", "scheduler": "simple", "steps": 9, "cfg_scale": 7, "width": 512, "height": 512,
            "restore_faces": False, "enable_hr": False, "hr_upscaler": "Latent", "hr_scale": 2,
            "hr_additional_modules": [], "denoising_strength": 0.7, "hr_second_pass_steps": 0,
            "override_settings": {"CLIP_stop_at_last_layers": 1}, "override_settings_restore_afterwards": True,
            "clip_skip": 1, "save_images": True, "send_images": True, "do_not_save_grid": False,
            "do_not_save_samples": False,
        },
    )  # fmt: skip

    assert [size_of(image) for image in answer["images"]] == [(512, 512)]
    notes = json.loads(answer["info"])["notes"]
    assert [note.partition(":")[0] for note in notes[:2]] == ["cfg_scale 7", "negative_prompt"]
    assert answer["parameters"]["prompt"] == "a fox"
    assert program.post("interrupt") == {}


def test_what_clients_post_back_or_leave_null_is_taken(client, engine):
    program = Program(client, {})
    body = {"prompt": "a", "width": "256", "height": 256.0, "steps": 4, "seed": None, "styles": None, "mine": {"a": 1}}
    echo = program.post("txt2img", body)["parameters"]
    assert (echo["prompt"], echo["seed"], echo["styles"]) == ("a", -1, [])
    assert "mine" not in echo  # it may be a password
    assert engine.requests[0].width == 256


@pytest.mark.parametrize(
    "part", ['"cfg_scale": NaN', '"mine": [Infinity]', '"mine": "\\ud800"', '"seed": "many"', '"x": {']
)
def test_what_cannot_be_read_is_refused(client, part):
    headers = {"content-type": "application/json"}
    answer = client.post("/sdapi/v1/txt2img", content=f'{{"prompt": "a", {part}}}', headers=headers)
    assert answer.status_code == 422
    assert set(answer.json()) == {"error", "detail", "body", "errors"}


def test_images_are_echoed_only_where_that_is_asked_for(client):
    file = BytesIO()
    Image.new("RGB", (256, 256), "blue").save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    program = Program(client, {})
    body = {"prompt": "a", "init_images": [text], "width": 256, "height": 256, "steps": 4}
    assert program.post("img2img", body)["parameters"]["init_images"] is None
    assert program.post("img2img", body | {"include_init_images": True})["parameters"]["init_images"] == [text]


def test_an_image_of_more_than_a_request_s_usual_size_is_taken(client, settings):
    padding = {"comment": "x" * (settings.max_body_kb * 2**10)}
    answer = client.post("/sdapi/v1/png-info", json={"image": "", **padding})
    assert answer.status_code == 422
    too_large = client.post("/sdapi/v1/txt2img", json={"prompt": "a", **padding})
    assert (too_large.status_code, too_large.json()["error"]) == (413, "too_large")


def test_a_shut_door_answers_as_if_there_were_none(settings, engine):
    app = create_app(settings.model_copy(update={"a1111": False}), lambda: engine, hardware=lambda: PLAIN_CPU)
    with TestClient(app, base_url="http://localhost") as client:
        answer = client.get("/sdapi/v1/options")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
