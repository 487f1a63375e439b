from __future__ import annotations

import pytest
from fastapi.exceptions import RequestValidationError

from backend.api.compat.ollama.translate import translate, translate_error
from backend.api.compat.ollama.wire import GenerateBody
from backend.models.schemas import ErrorDetail
from backend.services.errors import InputRefused
from backend.services.library.model_entry import BASE, TURBO


def request(services, model=TURBO, **values):
    return translate(GenerateBody.model_validate({"model": "x", "prompt": "a", **values}), model, services.inputs)


def test_0_is_what_is_left_open(services):
    plain = request(services, width=0, height=0, steps=0)
    assert plain.model_fields_set == {"prompt", "negative_prompt", "num_inference_steps", "model"}
    assert plain.num_inference_steps == 9
    assert request(services, BASE).num_inference_steps == 50


def test_sizes_go_to_the_grid_and_options_fill_what_the_body_leaves_open(services):
    found = request(services, width=600, options={"width": 512, "height": 512, "steps": 5, "temperature": 0.2})
    assert (found.width, found.height, found.num_inference_steps) == (608, 512, 5)


@pytest.mark.parametrize(("seed", "wanted"), [(-1, None), (0, 0), (7, 7), (None, None)])
def test_a_seed_below_0_is_drawn(services, seed, wanted):
    assert request(services, options={"seed": seed}).seed == wanted


def test_options_of_ours(services):
    found = request(services, BASE, options={"negative_prompt": "blur"})
    assert found.negative_prompt == "blur"
    with pytest.raises(RequestValidationError) as raised:
        request(services, options={"seed": "many"})
    assert raised.value.errors()[0]["loc"] == ("body", "options", "seed")


def test_there_is_one_image_at_most(services):
    with pytest.raises(InputRefused, match="2"):
        request(services, images=["YQ==", "YQ=="])
    with pytest.raises(RequestValidationError):
        request(services, options={"strength": 0.5})


@pytest.mark.parametrize(("keep_alive", "frees"), [(0, True), ("0", True), ("0s", True), ("5m", False), (None, False)])
def test_only_a_request_for_nothing_frees_the_memory(keep_alive, frees):
    assert GenerateBody(keep_alive=keep_alive).frees_memory is frees
    assert not GenerateBody(prompt="a", keep_alive=keep_alive).frees_memory


@pytest.mark.parametrize(
    ("status", "code", "wanted"),
    [(422, "unknown_model", 404), (422, "model_not_installed", 404), (422, "validation_error", 400),
     (500, "cancelled", 499), (500, "interrupted", 503), (500, "out_of_memory", 500), (429, "queue_full", 429)],
)  # fmt: skip
def test_errors_have_ollama_s_status_and_body(status, code, wanted):
    assert translate_error(status, ErrorDetail(code=code, message="Why.")) == (wanted, {"error": "Why."})
