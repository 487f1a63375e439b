from __future__ import annotations

from dataclasses import replace

import pytest

from backend.services.generation.planning.footprint import (
    ENCODE_BYTES,
    activations_of,
    encoder_bytes,
    footprint_of,
    streamed_blocks,
    streamed_bytes,
)
from backend.services.generation.planning.load_plan import LoadPlan
from tests.backend.services.generation.planning.turbo import WEIGHTS, work_at

WHOLE = LoadPlan("cuda", "bfloat16")
BLOCK, LAYER, TABLE = 2 * 176_947_200, 2 * 100_925_440, 2 * 388_956_160
DIT, TEXT, VAE = WEIGHTS.part_bytes("bfloat16")


def test_with_everything_there_only_activations_differ():
    found = footprint_of(WEIGHTS, WHOLE, work_at())
    denoising, decoding = activations_of(WHOLE, work_at())
    assert found.encode == DIT + TEXT + VAE + ENCODE_BYTES
    assert (found.denoise, found.decode) == (DIT + TEXT + VAE + denoising, DIT + TEXT + VAE + decoding)
    assert (found.device, found.host) == (found.decode, 0)


def test_an_encoder_that_is_out_is_there_for_encoding_without_its_table():
    out = replace(WHOLE, offload="model")
    found = footprint_of(WEIGHTS, out, work_at())
    assert found.encode == DIT + VAE + 35 * LAYER + ENCODE_BYTES
    assert found.decode == DIT + VAE + activations_of(out, work_at())[1]
    assert found.host == 35 * LAYER + TABLE
    streamed = footprint_of(WEIGHTS, replace(out, streams_encoder=True), work_at())
    assert streamed.encode == DIT + VAE + 2 * LAYER + ENCODE_BYTES
    assert streamed.host == found.host


@pytest.mark.parametrize(("resident", "slots"), [(34, 0), (33, 1), (32, 2), (10, 2), (0, 2)])
def test_streamed_blocks_take_two_slots(resident, slots):
    plan = replace(WHOLE, offload="sequential", resident_blocks=resident)
    found = footprint_of(WEIGHTS, plan, work_at())
    streamed = 34 - resident
    assert streamed_blocks(WEIGHTS, plan) == streamed
    denoising, decoding = activations_of(plan, work_at())
    assert found.denoise == DIT + VAE - streamed * BLOCK + slots * BLOCK + denoising
    assert found.decode == DIT + VAE - streamed * BLOCK + decoding
    assert found.host == TEXT + streamed * BLOCK


def test_what_a_forward_copies_leaves_out_blocks_that_run_once_an_image():
    plan = replace(WHOLE, offload="sequential", resident_blocks=0)
    assert streamed_bytes(WEIGHTS, plan) == 32 * BLOCK
    assert streamed_bytes(WEIGHTS, replace(plan, resident_blocks=32)) == 0
    assert streamed_bytes(WEIGHTS, replace(plan, quantization="int8")) == 32 * BLOCK // 2
    assert streamed_bytes(WEIGHTS, WHOLE) == streamed_bytes(WEIGHTS, replace(WHOLE, offload="model")) == 0


def test_a_new_prompt_copies_the_layers_of_the_encoder():
    assert encoder_bytes(WEIGHTS, WHOLE) == 0
    assert encoder_bytes(WEIGHTS, replace(WHOLE, offload="model")) == 35 * LAYER


def test_tiles_bound_what_decoding_takes():
    tiled = replace(WHOLE, vae_tile=64)
    whole = activations_of(WHOLE, work_at(2048))[1]
    assert activations_of(tiled, work_at(2048))[1] == whole // 16
    assert activations_of(tiled, work_at(512)) == activations_of(WHOLE, work_at(512))
    assert activations_of(tiled, work_at(256)) == activations_of(WHOLE, work_at(256))


def test_guidance_doubles_what_a_forward_takes_and_integers_take_more():
    single, guided = (activations_of(WHOLE, work_at(is_guided=on)) for on in (False, True))
    assert guided == (2 * single[0], single[1])
    assert activations_of(replace(WHOLE, quantization="int8"), work_at())[0] > single[0]
    assert activations_of(replace(WHOLE, dtype="float16"), work_at()) == (2 * single[0], 2 * single[1])


def test_what_was_observed_corrects_activations_alone():
    plain, doubled = (footprint_of(WEIGHTS, WHOLE, work_at(), ratio) for ratio in (1.0, 2.0))
    assert doubled.decode - plain.decode == activations_of(WHOLE, work_at())[1]
    assert doubled.encode == plain.encode
