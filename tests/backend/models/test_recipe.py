"""What makes an image: the records of before stay as they were, and forwards are those that are run."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from backend.models.recipe import Recipe, Upscale
from backend.models.schemas import ImageRecord
from tests.backend.fakes import a_recipe

DIGEST, OTHER = "0" * 64, "f" * 64
FIELDS = ("init_image", "strength", "mask", "mask_mode", "feather", "outpaint", "upscale")


def test_a_recipe_without_an_image_is_written_as_before():
    assert list(json.loads(a_recipe().model_dump_json())) == [
        "prompt", "negative_prompt", "width", "height", "num_inference_steps", "guidance_scale", "shift", "seed",
        "model",
    ]  # fmt: skip
    assert not set(FIELDS) & set(a_recipe().model_dump(mode="json"))


def test_an_edit_is_written_and_read_again():
    recipe = a_recipe(
        init_image=DIGEST, strength=0.25, mask=OTHER, mask_mode="only_masked", feather=8, outpaint={"left": 16}
    )
    written = json.loads(recipe.model_dump_json())
    assert written["outpaint"] == {"top": 0, "right": 0, "bottom": 0, "left": 16}
    assert Recipe.model_validate(written) == recipe
    assert "upscale" not in written
    assert set(FIELDS) <= set(ImageRecord.model_fields)


@pytest.mark.parametrize(
    "values",
    [
        {"init_image": "../etc/passwd"},
        {"mask": "ABCDEF0123456789"},
        {"strength": 0},
        {"strength": 1.01},
        {"strength": float("nan")},
        {"feather": -1},
        {"feather": 513},
        {"mask_mode": "inside"},
        {"outpaint": {"top": -1}},
        {"outpaint": {"left": 4097}},
        {"upscale": {"width": 0, "height": 9}},
        {"upscale": {"width": 8193, "height": 9}},
    ],
)
def test_values_out_of_range_are_refused(values):
    with pytest.raises(ValidationError):
        a_recipe(**values)


@pytest.mark.parametrize(
    ("values", "strength"),
    [
        ({}, 1.0),
        ({"strength": 0.3}, 1.0),
        ({"init_image": DIGEST}, 0.6),
        ({"init_image": DIGEST, "strength": 0.3}, 0.3),
        ({"init_image": DIGEST, "mask": OTHER}, 0.75),
        ({"init_image": DIGEST, "outpaint": {"top": 8}}, 0.5),
        ({"init_image": DIGEST, "upscale": {"width": 512, "height": 512}, "mask": OTHER}, 0.3),
    ],
)
def test_the_strength_that_is_drawn(values, strength):
    assert a_recipe(**values).drawn_strength == strength


@pytest.mark.parametrize("steps", [1, 2, 9, 26])
def test_forwards_are_those_of_the_library(steps):
    from zimage.conditions.strength import source_sigmas

    for percent in range(1, 101):
        recipe = a_recipe(init_image=DIGEST, strength=percent / 100, num_inference_steps=steps)
        assert recipe.forwards == len(source_sigmas(max(1, steps - 1), percent / 100))
    assert a_recipe(num_inference_steps=steps).forwards == max(1, steps - 1)


@pytest.mark.parametrize("multiple", [16, 32])
@pytest.mark.parametrize("tile", [(256, 256), (384, 256), (1024, 1024)])
def test_tiles_are_those_of_the_library(tile, multiple):
    from zimage.conditions.upscale import Grid

    for width in (200, 256, 257, 288, 449, 512, 1000, 2048):
        for strength in (0.3, 0.8):
            recipe = a_recipe(
                init_image=DIGEST, strength=strength, width=tile[0], height=tile[1],
                upscale=Upscale(width=width, height=width // 2),
            )  # fmt: skip
            grid = Grid((width, width // 2), tile, recipe.tile_overlap, multiple)
            assert recipe.draws == len(grid.boxes())
            assert recipe.forwards % recipe.draws == 0


@pytest.mark.parametrize("strength", [0.3, 0.8])
def test_tiles_overlap_the_more_the_more_is_drawn(strength):
    recipe = a_recipe(init_image=DIGEST, strength=strength, width=1024, height=1024)
    assert recipe.tile_overlap == (64 if strength == 0.3 else 128)
    assert recipe.model_copy(update={"width": 64, "height": 64}).tile_overlap == 32
