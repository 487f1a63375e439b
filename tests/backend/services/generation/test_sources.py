from __future__ import annotations

from dataclasses import dataclass

import pytest

from backend.services.errors import InputRefused, UnknownAnnotator, UnknownInput
from backend.services.generation.sources import edit_of, has_shape_of, image_of, refuse_idle, refuse_unmade
from tests.backend.fakes import a_recipe, a_request

CONTROL = {"image": "0" * 64, "kind": "canny", "model": "union.safetensors"}


@pytest.mark.parametrize(
    ("values", "control"),
    [
        ({"num_inference_steps": 9}, {"end": 0.1}),
        ({"num_inference_steps": 9}, {"start": 0.3, "end": 0.45}),
        ({"num_inference_steps": 9, "init_image": "0" * 64, "strength": 0.3}, {"end": 0.3}),
    ],
)
def test_a_control_that_would_act_at_no_step_is_refused_at_its_field(values, control):
    recipe = a_recipe(**values, control=[CONTROL, {**CONTROL, **control}])
    with pytest.raises(InputRefused, match="let it act longer") as refused:
        refuse_idle(recipe)
    assert refused.value.field == "control.1.end"


@pytest.mark.parametrize("control", [{}, {"end": 0.125}, {"start": 0.5}])
def test_a_control_that_acts_passes(control):
    refuse_idle(a_recipe(num_inference_steps=9, control=[{**CONTROL, **control}]))
    refuse_idle(a_recipe())


@dataclass(frozen=True)
class Network:
    name: str
    takes_mask: bool


@dataclass(frozen=True)
class Kept:
    width: int = 64
    height: int = 64


class Images:
    def get(self, _input_id: str) -> Kept:
        return Kept()


SOURCE, MASK, GUIDE = ({"input_id": digit * 64} for digit in "123")
MASKED = {"init_image": SOURCE, "mask": MASK}


def controls_of(takes_mask: bool, **values):
    fields = edit_of(a_request(**values), Kept(), lambda _name: Network("union", takes_mask))
    return [(use["image"][0], use["kind"], use["inpaint"]) for use in fields["control"]]


@pytest.mark.parametrize(
    ("takes_mask", "values", "expected"),
    [
        (True, {**MASKED, "control": [{"image": GUIDE}]}, ("3", "finished", True)),
        (True, {**MASKED, "control": [{"image": GUIDE, "inpaint": False}]}, ("3", "finished", False)),
        (True, {"init_image": SOURCE, "control": [{"image": GUIDE}]}, ("3", "finished", False)),
        (True, {"init_image": SOURCE, "outpaint": {"top": 8}, "control": [{"image": GUIDE}]}, ("3", "finished", True)),
        (False, {**MASKED, "control": [{"image": GUIDE}]}, ("3", "finished", False)),
        (True, {**MASKED, "control": [{"kind": "inpaint"}]}, ("1", "inpaint", True)),
    ],
)
def test_a_control_sees_the_mask_where_there_is_one_and_it_reads_one(takes_mask, values, expected):
    assert controls_of(takes_mask, **values) == [expected]


@pytest.mark.parametrize("control", [{"kind": "inpaint"}, {"image": GUIDE, "inpaint": True}])
def test_one_that_reads_no_mask_is_refused_where_it_is_to_see_one(control):
    with pytest.raises(InputRefused, match="union reads no mask") as refused:
        controls_of(False, **MASKED, control=[control])
    assert refused.value.field == "control.0.model"


@pytest.mark.parametrize(
    ("control", "field"), [({"kind": "inpaint"}, "kind"), ({"image": GUIDE, "inpaint": True}, "inpaint")]
)
def test_without_a_mask_there_is_nothing_to_see(control, field):
    with pytest.raises(InputRefused, match="needs a `mask` or `outpaint`") as refused:
        image_of(a_request(init_image=SOURCE, control=[control]), Images())
    assert refused.value.field == f"control.0.{field}"


def find_depth(kind: str) -> None:
    if kind != "depth":
        raise UnknownAnnotator(f"no model for {kind}")


@pytest.mark.parametrize(
    "control",
    [{"kind": "depth"}, {"kind": "pose", "preprocessor": "none"}, {"kind": "canny"}, {"preprocessor": "depth"}],
)
def test_what_can_be_made_or_is_finished_passes(control):
    refuse_unmade(a_request(control=[{"image": GUIDE, **control}]), find_depth)


@pytest.mark.parametrize(
    ("control", "field"),
    [
        ({"kind": "pose"}, "kind"),
        ({"kind": "pose", "preprocessor": "pose"}, "preprocessor"),
        ({"preprocessor": "pose"}, "preprocessor"),
    ],
)
def test_what_no_model_here_makes_is_refused_at_its_field(control, field):
    with pytest.raises(InputRefused, match="no model for pose") as refused:
        refuse_unmade(a_request(control=[{"image": GUIDE}, {"image": GUIDE, **control}]), find_depth)
    assert refused.value.field == f"control.1.{field}"


@pytest.mark.parametrize(
    ("mask", "image", "fits"),
    [
        ((400, 300), (800, 600), True),
        ((401, 300), (800, 600), True),
        ((333, 250), (1000, 750), True),
        ((64, 64), (64, 64), True),
        ((10, 10), (64, 48), False),
        ((600, 800), (800, 600), False),
        ((1, 4000), (2, 4000), True),
    ],
)
def test_a_mask_of_the_shape_of_its_image_fits_as_for_the_library(mask, image, fits):
    from zimage.conditions import images

    assert has_shape_of(Kept(*mask), Kept(*image)) is fits
    assert images.has_shape_of(mask, image) is fits


def test_the_image_that_a_sketch_was_painted_on_is_said_and_must_be_here():
    request = a_request(init_image=SOURCE, base=GUIDE)
    assert edit_of(request, Kept(), lambda _name: Network("union", True)) == {
        "init_image": "1" * 64,
        "base": "3" * 64,
    }

    class Missing:
        def get(self, input_id: str) -> Kept:
            if input_id == "3" * 64:
                raise UnknownInput
            return Kept()

    with pytest.raises(InputRefused) as refused:
        image_of(request, Missing())
    assert refused.value.field == "base"
