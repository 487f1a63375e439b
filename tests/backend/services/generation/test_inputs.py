"""The images that a recipe names."""

from __future__ import annotations

import pytest
from PIL import Image

from backend.services.errors import InputUnusable
from backend.services.generation.inputs import NO_INPUTS, Inputs, read_none, refuse_contradictions
from tests.backend.fakes import a_recipe

ONE, OTHER = "0" * 64, "1" * 64


def test_an_image_by_its_digest():
    image = Image.new("RGB", (1, 1))
    assert Inputs({ONE: image}).image(ONE) is image
    with pytest.raises(InputUnusable, match="111111111111…"):
        Inputs({ONE: image}).image(OTHER)


def test_without_a_store_there_are_none():
    assert read_none(a_recipe(init_image=ONE)) is NO_INPUTS
    assert not NO_INPUTS.images


def test_each_digest_is_named_once():
    assert a_recipe().inputs == ()
    assert a_recipe(init_image=ONE, mask=OTHER).inputs == (ONE, OTHER)
    assert a_recipe(init_image=ONE, mask=ONE).inputs == (ONE,)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"init_image": ONE},
        {"init_image": ONE, "strength": 0.3, "mask": OTHER, "mask_mode": "only_masked", "feather": 8},
        {"init_image": ONE, "outpaint": {"left": 9}, "feather": 8},
        {"init_image": ONE, "mask": OTHER, "outpaint": {"left": 9}},
        {"init_image": ONE, "mask": OTHER, "upscale": {"width": 9, "height": 9}},
    ],
)
def test_what_goes_together(values):
    refuse_contradictions(a_recipe(**values))


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"feather": 1, "mask": ONE}, "mask, feather needs init_image"),
        ({"init_image": ONE, "outpaint": {"top": 0}}, "adds nothing"),
        (
            {"init_image": ONE, "upscale": {"width": 9, "height": 9}, "mask": ONE, "mask_mode": "only_masked"},
            "only_masked",
        ),
        ({"init_image": ONE, "upscale": {"width": 9, "height": 9}, "mask": ONE, "feather": 3}, "no feather"),
    ],
)
def test_what_does_not(values, words):
    with pytest.raises(InputUnusable, match=words):
        refuse_contradictions(a_recipe(**values))
