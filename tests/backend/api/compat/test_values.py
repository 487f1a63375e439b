from __future__ import annotations

import base64

import pytest
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from backend.api.compat.values import Lenient, build_request, decode_image, nearest_side, shortened
from backend.services.errors import InputRefused


class Body(Lenient):
    steps: int = 9
    name: str = ""


def test_null_is_left_out_and_what_is_unknown_is_ignored():
    body = Body.model_validate({"steps": None, "name": None, "other": 1})
    assert (body.steps, body.name) == (9, "")
    assert body.model_dump() == {"steps": 9, "name": ""}


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), "\ud800", ["a", "\udfff"], {"a": [{"b": -float("inf")}]}, {"\ud800": 1}]
)
def test_what_no_answer_could_repeat_is_refused(value):
    with pytest.raises(ValidationError):
        Body.model_validate({"other": value})
    Body.model_validate({"other": ["é", "狐狸", 1e300, None, {"a": True}]})


def test_a_name_in_a_message_is_short():
    assert shortened("a" * 100) == "a" * 100
    assert shortened("a" * 101) == "a" * 99 + "…"


@pytest.mark.parametrize("prefix", ["", "data:image/png;base64,", "  data:;base64,"])
@pytest.mark.parametrize("content", [b"a", b"ab", b"abc", b"\xff\xfe" * 50])
def test_base64_is_decoded_with_or_without_its_padding_and_its_prefix(prefix, content):
    text = base64.b64encode(content).decode()
    assert decode_image(prefix + text, "image").read() == content
    assert decode_image(prefix + text.rstrip("="), "image").read() == content
    assert decode_image(f"{prefix}{text[:2]}\n{text[2:]}", "image").read() == content


@pytest.mark.parametrize("text", ["", "data:image/png;base64,", "a", "äöü", "a*b=", "https://example.com/a.png"])
def test_what_is_no_base64_is_refused_by_its_name(text):
    with pytest.raises(InputRefused) as raised:
        decode_image(text, "mask")
    assert raised.value.field == "mask"


def test_a_refused_field_has_the_client_s_name():
    values = {"prompt": "a", "num_inference_steps": 99, "width": 100, "seed": None}
    with pytest.raises(RequestValidationError) as raised:
        build_request(values, {"num_inference_steps": "steps"})
    assert {problem["loc"] for problem in raised.value.errors()} == {("body", "steps"), ("body", "width")}


def test_what_is_none_is_left_out():
    assert build_request({"prompt": "a", "width": None}, {}).model_fields_set == {"prompt"}


@pytest.mark.parametrize(("side", "nearest"), [(512, 512), (600, 608), (600 - 8, 592), (100, 100), (5000, 5000)])
def test_a_side_goes_to_the_grid_unless_it_is_out_of_bounds(side, nearest):
    assert nearest_side(side) == nearest
