"""Programs whose settings are JSON."""

from __future__ import annotations

import json

import pytest

from backend.services.errors import NoParameters
from backend.services.images.metadata.foreign import find_parameters

FOX = {"prompt": "a fox", "negative_prompt": "blurry", "width": 832, "height": 1216, "num_inference_steps": 30,
       "seed": 5, "guidance_scale": 6.5, "model": "m"}  # fmt: skip


def dumps(**facts: object) -> str:
    return json.dumps(facts)


INVOKE = {"positive_prompt": "a fox", "negative_prompt": "blurry", "width": 832, "height": 1216, "steps": 30, "seed": 5}
DRAW_THINGS = dumps(c="a fox", uc="blurry", size="832x1216", steps=30, seed=5, scale=7.5, model="m", sampler="Euler")
XMP = "<rdf:Alt><rdf:li xml:lang='x-default'>%s</rdf:li></rdf:Alt>"


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("invokeai", {"invokeai_metadata": dumps(**INVOKE, cfg_scale=7.5, model={"name": "m"})}),
        ("invokeai", {"invokeai_metadata": dumps(**INVOKE, cfg_scale=[7.5, 7, 6], model={"model_name": "m"})}),
        ("swarmui", {"parameters": dumps(sui_image_params={
            "prompt": "a fox", "negativeprompt": "blurry", "width": 832, "height": 1216, "steps": 30, "seed": 5,
            "cfgscale": 7.5, "model": "m"})}),
        ("fooocus", {"parameters": dumps(prompt="a fox", negative_prompt="blurry", resolution="(832, 1216)", steps=30,
                                         seed="5", guidance_scale=7.5, base_model="m", metadata_scheme="fooocus")}),
        ("novelai", {"Software": "NovelAI", "Description": "a fox", "Source": "m", "Comment": dumps(
            uc="blurry", width=832, height=1216, steps=30, seed=5, scale=7.5)}),
        ("drawthings", {"parameters": DRAW_THINGS}),
        ("drawthings", {"XML:com.adobe.xmp": XMP % DRAW_THINGS.replace('"', "&quot;")}),
    ],
)  # fmt: skip
def test_everything_that_it_says_is_read(source, texts):
    found = find_parameters(texts)
    assert (found.source, found.parameters.model_dump(exclude_none=True)) == (source, FOX)


@pytest.mark.parametrize("field", ["width", "steps", "seed", "cfg_scale", "model"])
@pytest.mark.parametrize("value", [None, "", {}, [], "many", -3, True, 1e400])
def test_a_value_that_cannot_be_costs_its_field_alone(field, value):
    facts = {**INVOKE, "cfg_scale": 7.5, "model": "m", field: value}
    found = find_parameters({"invokeai_metadata": json.dumps(facts)}).parameters.model_dump(exclude_none=True)
    ours = {"steps": "num_inference_steps", "cfg_scale": "guidance_scale"}.get(field, field)
    assert {name: found[name] for name in FOX if name != ours} == {name: v for name, v in FOX.items() if name != ours}


@pytest.mark.parametrize(
    "texts",
    [{"invokeai_metadata": "{}"}, {"parameters": '{"sui_image_params": {}}'}, {"parameters": '{"c": "x"}'},
     {"Software": "NovelAI", "Comment": "{}"}, {"Software": "Other", "Comment": '{"prompt": "a"}'}],
)  # fmt: skip
def test_success_with_nothing_read_is_not_reported(texts):
    with pytest.raises(NoParameters):
        find_parameters(texts)
