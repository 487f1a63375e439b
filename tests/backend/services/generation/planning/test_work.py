from __future__ import annotations

import pytest

from backend.services.generation.planning.model_facts import ModelFacts
from backend.services.generation.planning.work import work_of
from tests.backend.fakes import a_recipe

TURBO = ModelFacts(6_154_000_000, 4_022_000_000, 84_000_000, 0, width=3840, n_layers=30, vae_width=128, grid_px=16)


def test_a_forward_of_turbo_at_1024_px():
    work = work_of(TURBO, a_recipe(width=1024, height=1024, num_inference_steps=9, guidance_scale=0.0))
    assert work.forward_flops == pytest.approx(55.6e12, rel=0.1)  # counted by hand, layer by layer
    assert (work.forwards, work.pixels) == (8, 2**20)


def test_guidance_doubles_a_forward_and_the_decoder_stays():
    plain, guided = (work_of(TURBO, a_recipe(guidance_scale=scale)) for scale in (0.0, 4.0))
    assert guided.forward_flops == 2 * plain.forward_flops
    assert guided.activation_values == plain.activation_values


def test_more_pixels_are_more_work_than_their_number():
    small, large = (work_of(TURBO, a_recipe(width=side, height=side)) for side in (512, 1024))
    assert large.forward_flops > 4 * small.forward_flops
    assert large.activation_values == 4 * small.activation_values


def test_tiles_are_more_pixels_and_forwards_and_no_more_memory():
    one = {"init_image": "0" * 64, "strength": 0.5}
    four = {**one, "upscale": {"width": 448, "height": 448}}
    image, tiles = (work_of(TURBO, a_recipe(**values)) for values in (one, four))
    assert (tiles.forwards, tiles.pixels) == (4 * image.forwards, 4 * image.pixels)
    assert (image.forwards, tiles.activation_values) == (4, image.activation_values)
    assert tiles.decoded_pixels == image.decoded_pixels == image.pixels


def test_a_model_of_unknown_widths_has_the_published_decoder():
    work = work_of(ModelFacts(10, 10, 10, 10), a_recipe(width=256, height=256))
    assert work.activation_values == 256 * 256 * 128 * 9
    assert work.forward_flops > 0
