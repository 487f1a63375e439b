"""What makes an image, as it is written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from backend.models.recipe import Recipe
from backend.services.images.metadata.own import embed, parse_own
from backend.services.images.records import describe_drawn
from tests.backend.fakes import a_picture, a_recipe

CONTROL = {"image": "ab" * 32, "model": "union.safetensors"}


def test_a_recipe_without_controls_is_written_as_before():
    assert "control" not in a_recipe().model_dump()
    assert "control" not in a_recipe().model_dump_json()


def test_a_control_is_read_back_as_it_was_written():
    recipe = a_recipe(
        control=[{**CONTROL, "kind": "canny", "options": {"low": 50.0}, "scale": 0.8, "end": 0.5}, CONTROL]
    )
    assert Recipe.model_validate_json(recipe.model_dump_json()) == recipe
    assert recipe.control[1].model_dump() == {
        **CONTROL, "kind": "finished", "options": None, "scale": 0.75, "start": 0.0, "end": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize(
    "changed",
    [
        {"image": "../etc"}, {"image": "AB" * 32}, {"kind": "hed"}, {"model": ""}, {"scale": -0.1}, {"scale": 2.1},
        {"scale": float("nan")}, {"start": 1.0}, {"end": 0.0}, {"end": 1.5}, {"start": 0.5, "end": 0.5},
        {"start": float("nan")}, {"options": dict.fromkeys("abcde", 1.0)},
    ],
    ids=str,
)  # fmt: skip
def test_controls_that_cannot_be(changed):
    with pytest.raises(ValidationError):
        a_recipe(control=[{**CONTROL, **changed}])


@pytest.mark.parametrize("count", [0, 5])
def test_numbers_of_controls_that_cannot_be(count):
    with pytest.raises(ValidationError):
        a_recipe(control=[CONTROL] * count)


def test_an_image_carries_its_controls_and_the_history_is_rebuilt_with_them():
    drawn = a_picture(control=[{**CONTROL, "kind": "canny", "options": {"low": 50.0}}])
    record = describe_drawn(drawn, "0" * 32, datetime.now(UTC))
    assert record.control == drawn.recipe.control
    assert parse_own(embed(record)).control == drawn.recipe.control
    assert "control" not in embed(describe_drawn(a_picture(), "0" * 32, datetime.now(UTC)))["zimage"]
