from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from backend.api.compat.mcp.arguments import Edit, Generate, NoArguments, decode_image, named_image, schema_of
from backend.api.compat.mcp.tools import make_tools
from backend.models.schemas import GenerateRequest
from backend.services.errors import StudioError


@pytest.mark.parametrize("name", make_tools())
def test_every_tool_and_every_argument_is_described_in_a_plain_schema(name):
    tool = make_tools()[name].tool
    Draft202012Validator.check_schema(tool.input_schema)
    assert tool.description
    assert tool.input_schema["type"] == "object"
    assert tool.input_schema["additionalProperties"] is False
    for argument, schema in tool.input_schema["properties"].items():
        assert schema.get("description"), argument
        assert schema["type"] in ("string", "integer", "number", "boolean", "array"), argument
    text = json.dumps(tool.input_schema)
    assert not any(word in text for word in ("$ref", "$defs", "anyOf", '"null"'))
    if tool.output_schema is not None:
        Draft202012Validator.check_schema(tool.output_schema)


def test_only_what_changes_nothing_says_so():
    reads = {name for name, entry in make_tools().items() if entry.tool.annotations.read_only_hint}
    assert reads == {"status", "list_models", "list_loras", "search_history"}


def test_arguments_have_the_names_of_the_api_s_fields():
    own = {"wait", "image", "left", "right", "top", "bottom"}
    for arguments in (Generate, Edit):
        names = schema_of(arguments)["properties"].keys()
        assert names - own <= GenerateRequest.model_fields.keys()
    assert schema_of(NoArguments)["properties"] == {}


def test_what_is_left_out_is_left_to_the_server():
    assert Generate(prompt="a fox").body() == {"prompt": "a fox"}
    assert Generate(prompt="a fox", wait=False, seed=0).body() == {"prompt": "a fox", "seed": 0}
    body = Edit(prompt="a fox", image="x", left=16, top=0, upscale=2).body()
    assert body == {"prompt": "a fox", "upscale": {"factor": 2.0}, "outpaint": {"left": 16}}


def test_images_are_told_apart():
    assert named_image("0" * 32) == {"image_id": "0" * 32}
    assert named_image(f" zimage://image/{'a' * 32}\n") == {"image_id": "a" * 32}
    assert named_image("0" * 64) == {"input_id": "0" * 64}
    assert named_image("iVBORw0KGgo=") is None
    assert decode_image("image", "data:image/png;base64,aGk=") == decode_image("image", "aG\nk=") == b"hi"


@pytest.mark.parametrize(
    "text", ["data:image/png,hi", "data:image/png;base64", "/home/me/fox.png", "http://a/b.png", "a"]
)
def test_what_is_no_image_is_named_by_its_field(text):
    with pytest.raises(StudioError, match=r"^mask: this is neither"):
        decode_image("mask", text)
