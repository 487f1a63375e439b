from __future__ import annotations

import pytest

from backend.services.errors import InputRefused
from backend.services.generation.sources import refuse_idle
from tests.backend.fakes import a_recipe

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
