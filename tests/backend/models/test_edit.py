from __future__ import annotations

import pytest
from pydantic import ValidationError

from backend.models.recipe import Recipe
from backend.models.schemas import GenerateRequest

INPUT, OTHER = {"input_id": "a" * 64}, {"input_id": "b" * 64}


def a_request(**values: object) -> GenerateRequest:
    return GenerateRequest.model_validate({"prompt": "a fox", **values})


@pytest.mark.parametrize(
    ("values", "field", "said"),
    [
        ({"strength": 0.5}, "strength", "init_image"),
        ({"mask": INPUT}, "mask", "init_image"),
        ({"outpaint": {"left": 16}}, "outpaint", "init_image"),
        ({"upscale": {"factor": 2}}, "upscale", "init_image"),
        ({"init_image": INPUT, "mask_mode": "whole"}, "mask_mode", "`mask`"),
        ({"base": INPUT}, "base", "init_image"),
        ({"init_image": INPUT, "feather": 4}, "feather", "`mask` or `outpaint`"),
        ({"init_image": INPUT, "outpaint": {}}, "outpaint", "at least one side"),
        ({"init_image": INPUT, "outpaint": {"left": -16}}, "outpaint.left", "greater than or equal to 0"),
        ({"init_image": INPUT, "outpaint": {"left": 1.5}}, "outpaint.left", "integer"),
        ({"init_image": INPUT, "outpaint": {"middle": 16}}, "outpaint.middle", "not permitted"),
        (
            {"init_image": INPUT, "mask": OTHER, "mask_mode": "only_masked", "outpaint": {"top": 16}},
            "outpaint",
            "only_masked",
        ),
        ({"init_image": INPUT, "outpaint": {"top": 16}, "upscale": {"factor": 2}}, "upscale", "cannot be combined"),
        ({"init_image": INPUT, "upscale": {"factor": 1.0}}, "upscale.factor", "greater than 1"),
        ({"init_image": INPUT, "upscale": {"factor": 4.5}}, "upscale.factor", "less than or equal to 4"),
        ({"init_image": INPUT, "strength": 0.0}, "strength", "greater than 0"),
        ({"init_image": INPUT, "strength": float("nan")}, "strength", "finite"),
        ({"init_image": "x"}, "init_image", "POST /api/inputs"),
        ({"init_image": {"image_id": "x"}}, "init_image", "POST /api/inputs"),
        ({"init_image": {"image_id": "a" * 32, "more": 1}}, "init_image", "POST /api/inputs"),
        ({"init_image": 7}, "init_image", "POST /api/inputs"),
        ({"control": [{"image": INPUT, "kind": "magic"}]}, "control.0.kind", "canny"),
        ({"control": [{"image": INPUT, "start": 0.5, "end": 0.5}]}, "control.0.end", "above `start`"),
        ({"control": [{"image": INPUT, "scale": 3.0}]}, "control.0.scale", "less than or equal to 2"),
        ({"control": [{"image": INPUT, "kind": "hed"}]}, "control.0.preprocessor", "send a finished one"),
        (
            {"control": [{"image": INPUT, "kind": "depth", "preprocessor": "canny"}]},
            "control.0.preprocessor",
            "made by `depth`",
        ),
        (
            {"control": [{"image": INPUT, "kind": "pose", "preprocessor": "depth"}]},
            "control.0.preprocessor",
            "made by `pose`",
        ),
        ({"control": [{"image": INPUT}] * 5}, "control", "at most 4"),
        ({"control": [{"kind": "canny"}]}, "control.0.image", "only the kind `inpaint` has none"),
        ({"control": [{"image": INPUT, "kind": "inpaint"}]}, "control.0.image", "takes no image"),
        ({"control": [{"kind": "inpaint", "inpaint": False}]}, "control.0.inpaint", "does nothing else"),
    ],
)
def test_a_combination_that_makes_no_sense_is_refused_at_its_field(values, field, said):
    with pytest.raises(ValidationError) as refused:
        a_request(**values)
    [problem] = refused.value.errors()
    assert ".".join(map(str, problem["loc"])) == field
    assert said in problem["msg"]


def test_a_field_that_was_refused_is_not_complained_about_twice():
    with pytest.raises(ValidationError) as refused:
        a_request(init_image="x", strength=0.5, mask=OTHER)
    assert [problem["loc"] for problem in refused.value.errors()] == [("init_image",)]


def test_text_to_image_reads_as_it_always_has():
    assert not a_request().model_dump().keys() & {"init_image", "strength", "mask", "control"}
    recipe = Recipe(prompt="x", width=64, height=64, num_inference_steps=2, seed=1, model="m")
    assert not recipe.model_dump().keys() & {"init_image", "strength", "mask", "control"}
    assert recipe.inputs == ()


def test_a_request_survives_its_json():
    request = a_request(
        init_image={"image_id": "c" * 32},
        mask=OTHER,
        mask_mode="whole",
        feather=8,
        strength=0.5,
        control=[{"image": INPUT, "kind": "canny"}, {"image": OTHER}],
    )
    assert GenerateRequest.model_validate_json(request.model_dump_json()) == request
    assert request.input_ids == ("b" * 64, "a" * 64)


@pytest.mark.parametrize(
    ("control", "kind"),
    [
        ({}, "finished"),
        ({"kind": "canny"}, "canny"),
        ({"kind": "canny", "preprocessor": "none"}, "finished"),
        ({"kind": "lines", "preprocessor": "canny"}, "canny"),
        ({"kind": "depth", "preprocessor": "none"}, "finished"),
        ({"kind": "pose", "preprocessor": "finished"}, "finished"),
        ({"kind": "depth"}, "depth"),
        ({"kind": "pose", "preprocessor": "pose"}, "pose"),
        ({"preprocessor": "depth"}, "depth"),
        ({"kind": "hed", "preprocessor": "none"}, "finished"),
    ],
)
def test_what_makes_a_control_image(control, kind):
    assert a_request(control=[{"image": INPUT, **control}]).control[0].made_with == kind


@pytest.mark.parametrize("options", [{"high": float("inf")}, {"high": float("nan")}, {"High": 1.0}, {"": 1.0}])
def test_options_that_no_record_could_hold_or_that_are_none(options):
    with pytest.raises(ValidationError):
        a_request(control=[{"image": INPUT, "kind": "canny", "options": options}])


def test_what_is_enlarged_has_no_soft_edge():
    with pytest.raises(ValidationError, match="feather"):
        a_request(init_image=INPUT, mask=OTHER, feather=4, upscale={"factor": 2})
