from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backend.services.generation.planning.footprint import footprint_of
from backend.services.generation.planning.load_plan import Blocks, Hardware, LoadPlan, Weights
from backend.services.generation.planning.placing import explain_matrices, fits_card, plan_load, usable_bytes
from tests.backend.fakes import PLAIN_CPU, with_cards
from tests.backend.services.generation.planning.turbo import WEIGHTS as TURBO
from tests.backend.services.generation.planning.turbo import work_at

GIB = 2**30
DIFFUSERS = replace(TURBO, is_native=False)
Q4_0 = replace(TURBO, stored="gguf", blocks=(Blocks(34 * 176_947_200, 34 * 99_532_800), Blocks()))
NANO = Weights(8_000_000, 11_000_000, 1_000_000, n_blocks=7, block_values=1_000_000)


def card(gib: float, *, bf16: bool = True, kind: str = "cuda") -> Hardware:
    return with_cards(kind, gib=gib, bf16=bf16)


def plan(weights: Weights, hardware: Hardware, device: str | None = None, **values: Any) -> LoadPlan:
    device = device or next((card.device for card in hardware.accelerators), "cpu")
    return plan_load(weights, hardware, device, **{"work": work_at(is_guided=True), **values})


CARDS = {
    80: ("none", None, {}),
    24: ("none", None, {"vae_tile": 128}),
    16: ("none", "int8", {"vae_tile": 128}),
    12: ("model", "int8", {"vae_tile": 128}),
    10: ("model", "int8", {"streams_encoder": True, "vae_tile": 128}),
    8: ("sequential", "int8", {"resident_blocks": 31, "vae_tile": 64}),
    6: ("sequential", "int8", {"resident_blocks": 19, "vae_tile": 64}),
    4: ("sequential", "int8", {"resident_blocks": 8, "vae_tile": 64}),
}


@pytest.mark.parametrize("stored", [None, "int8"], ids=["folder", "int8 file"])
@pytest.mark.parametrize("gib", CARDS)
def test_what_does_not_fit_a_card_is_quantised_then_kept_away_in_part(gib, stored):
    offload, quantization, values = CARDS[gib]
    expected = LoadPlan("cuda", "bfloat16", offload, quantization, **values)
    if stored is not None and quantization is None:
        expected = replace(expected, quantization=stored, vae_tile=0)  # there is room for large images, too
    assert plan(replace(TURBO, stored=stored), card(gib)) == expected


@pytest.mark.parametrize("bf16", [True, False])
@pytest.mark.parametrize("quantization", ["auto", "none", "int8"])
@pytest.mark.parametrize("gib", [24, 23.7, 16, 15.7, 12, 11.8, 10, 8, 7.7, 6, 5.8, 4])
def test_every_card_has_a_plan_that_fits(gib, quantization, bf16):
    hardware = card(gib, bf16=bf16)
    found = plan(TURBO, hardware, quantization=quantization)
    assert fits_card(TURBO, found, work_at(), hardware.accelerators[0])
    assert footprint_of(TURBO, found, work_at()).device <= usable_bytes(round(gib * GIB)) < gib * GIB


@pytest.mark.parametrize("gib", [8, 6, 4])
def test_a_card_keeps_as_many_blocks_as_it_can(gib):
    hardware = card(gib)
    found = plan(TURBO, hardware)
    more = replace(found, resident_blocks=found.resident_blocks + 1)
    assert not fits_card(TURBO, more, work_at(is_guided=True), hardware.accelerators[0])


def test_smaller_images_leave_room_for_more_blocks():
    assert plan(TURBO, card(4), work=work_at(512)).resident_blocks > plan(TURBO, card(4)).resident_blocks


def test_a_card_that_is_too_small_for_all_gets_the_least():
    assert plan(TURBO, card(1)) == LoadPlan("cuda", "bfloat16", "sequential", "int8", vae_tile=32)


def test_large_images_are_decoded_in_tiles_only_where_they_have_to():
    assert plan(TURBO, card(80)).vae_tile == 0
    assert plan(TURBO, card(24)).vae_tile == 128
    assert plan(NANO, card(24)).vae_tile == 0


@pytest.mark.parametrize(("gib", "offload"), [(24, "none"), (16, "model"), (8, "sequential")])
def test_what_only_diffusers_runs_is_never_quantised(gib, offload):
    assert plan(DIFFUSERS, card(gib)) == LoadPlan("cuda", "bfloat16", offload)


def test_what_is_stored_quantised_stays_so_on_a_card():
    stored = replace(TURBO, stored="fp8")
    assert plan(stored, card(80)).quantization == "fp8"
    assert plan(stored, card(4)).quantization == "fp8"
    assert plan(stored, card(80), quantization="none").quantization is None
    assert plan(stored, replace(PLAIN_CPU, memory_bytes=64 * GIB)).quantization is None


@pytest.mark.parametrize(("gib", "kind"), [(80, "cuda"), (24, "cuda"), (32, "mps")])
def test_blocks_of_gguf_stay_on_a_card(gib, kind):
    assert plan(Q4_0, card(gib, kind=kind)) == LoadPlan(kind, "bfloat16", quantization="gguf")
    assert plan(Q4_0, card(gib, kind=kind), quantization="int8").quantization == "int8"
    assert plan(Q4_0, card(gib, kind=kind), quantization="none").quantization is None


SMALL_CARDS = {
    12: ("none", {"vae_tile": 128}),
    10: ("none", {"vae_tile": 64}),
    8: ("model", {"vae_tile": 128}),
    6: ("model", {"streams_encoder": True, "vae_tile": 64}),
    4: ("sequential", {"resident_blocks": 16, "vae_tile": 64}),
}


@pytest.mark.parametrize("gib", SMALL_CARDS)
def test_blocks_of_gguf_are_streamed_as_they_are_stored(gib):
    offload, values = SMALL_CARDS[gib]
    found = plan(Q4_0, card(gib))
    assert found == LoadPlan("cuda", "bfloat16", offload, "gguf", **values)
    assert footprint_of(Q4_0, found, work_at()).device <= usable_bytes(gib * GIB)


@pytest.mark.parametrize(("gib", "held"), [(32, None), (16, "int8"), (12, "gguf"), (4, "gguf")])
def test_a_processor_keeps_blocks_of_gguf_where_nothing_quicker_fits(gib, held):
    assert plan(Q4_0, replace(PLAIN_CPU, memory_bytes=gib * GIB)) == LoadPlan("cpu", "bfloat16", quantization=held)


def test_a_processor_keeps_no_blocks_that_are_larger_than_int8():
    q8_0 = replace(Q4_0, blocks=(Blocks(6_000_000_000, 6_375_000_000), Blocks(3_500_000_000, 4_250_000_000)))
    assert plan(q8_0, replace(PLAIN_CPU, memory_bytes=4 * GIB)).quantization == "int8"


@pytest.mark.parametrize(
    ("weights", "hardware", "wanted", "why"),
    [
        (Q4_0, replace(PLAIN_CPU, memory_bytes=12 * GIB), "auto",
         "gguf since there is no room for 18.9 in bfloat16 or 10.0 in int8, but for 7.5 GiB"),
        (TURBO, card(16), "auto", "int8 since there is no room for 19.8 in bfloat16, but for 14.7 GiB"),
        (TURBO, card(16, kind="mps"), "auto", "int8 since there is no room for 18.9 in bfloat16, but for 11.0 GiB"),
        (TURBO, card(6), "auto", "int8 since there is no room for 19.8 in bfloat16, but for 5.2 GiB"),
        (Q4_0, card(12), "auto", "gguf as stored"),
        (Q4_0, replace(PLAIN_CPU, memory_bytes=64 * GIB), "auto", "float32"),
        (Q4_0, card(80), "int8", "int8 as set"),
        (Q4_0, card(80), "none", "bfloat16 as set"),
    ],
)  # fmt: skip
def test_a_plan_says_why(weights, hardware, wanted, why):
    found = plan(weights, hardware, quantization=wanted)
    assert explain_matrices(weights, hardware, found, wanted, work_at(is_guided=True)) == why


@pytest.mark.parametrize("gib", [8, 80])
def test_the_settings_decide_about_quantisation(gib):
    assert plan(TURBO, card(gib), quantization="int8").quantization == "int8"
    assert plan(TURBO, card(gib), quantization="none").quantization is None
    assert plan(NANO, PLAIN_CPU, quantization="fp8").quantization == "fp8"


def test_the_processor_quantises_what_does_not_fit_otherwise():
    small = replace(PLAIN_CPU, memory_bytes=16 * GIB)
    assert plan(TURBO, small) == LoadPlan("cpu", "bfloat16", quantization="int8")
    assert plan(DIFFUSERS, small) == LoadPlan("cpu", "bfloat16")
    assert plan(TURBO, small, quantization="none") == LoadPlan("cpu", "bfloat16")


@pytest.mark.parametrize(("gib", "held"), [(28, None), (23.5, "int8"), (16, "int8")])
def test_the_system_keeps_its_share_of_the_main_memory(gib, held):
    machine = replace(PLAIN_CPU, cpu_has_bf16=True, memory_bytes=round(gib * GIB))
    assert plan(TURBO, machine).quantization == held


def test_a_card_without_bf16_computes_in_float32_where_the_engine_has_no_float16():
    assert plan(DIFFUSERS, card(24, bf16=False)) == LoadPlan("cuda", "float32", "sequential")
    assert plan(DIFFUSERS, card(32, bf16=False)) == LoadPlan("cuda", "float32", "model")


def test_a_card_without_bf16_computes_in_float16():
    assert plan(TURBO, card(24, bf16=False)) == LoadPlan("cuda", "float16", vae_tile=64)
    assert plan(TURBO, card(12, bf16=False)).offload == "model"
    assert plan(TURBO, card(6, bf16=False)).offload == "sequential"
    assert {plan(TURBO, card(gib, bf16=False)).dtype for gib in (24, 12, 6)} == {"float16"}
    assert plan(NANO, card(24, bf16=False), offload="model") == LoadPlan("cuda", "float16", "model")


def test_the_settings_decide_about_offload():
    assert plan(TURBO, card(80), offload="model") == LoadPlan("cuda", "bfloat16", "model")
    assert plan(TURBO, card(8), offload="none").offload == "none"
    assert plan(TURBO, card(16), offload="sequential", quantization="none").resident_blocks > 0
    assert plan(TURBO, card(80), offload="sequential").resident_blocks == 33  # asked for, so that one is streamed


def test_shared_memory_holds_what_fits_it():
    assert plan(TURBO, card(32, kind="mps")) == LoadPlan("mps", "bfloat16")
    assert plan(TURBO, card(16, kind="mps")) == LoadPlan("mps", "bfloat16", quantization="int8")
    assert plan(replace(TURBO, stored="fp8"), card(32, kind="mps")) == LoadPlan("mps", "bfloat16")  # it has no float8
    assert plan(replace(TURBO, stored="int8"), card(32, kind="mps")).quantization == "int8"


def test_shared_memory_is_not_offloaded():
    assert plan(TURBO, card(80, kind="mps"), offload="model") == LoadPlan("mps", "bfloat16", "none")


def test_the_cpu_is_used_when_asked_for_and_when_there_is_nothing_else():
    assert plan(NANO, card(24), "cpu") == LoadPlan("cpu", "float32")
    assert plan(NANO, PLAIN_CPU) == LoadPlan("cpu", "float32")


def test_the_cpu_takes_bf16_when_it_has_it_or_when_float32_does_not_fit():
    assert plan(NANO, replace(PLAIN_CPU, cpu_has_bf16=True)).dtype == "bfloat16"
    assert plan(TURBO, replace(PLAIN_CPU, memory_bytes=32 * GIB)).dtype == "bfloat16"
    assert plan(TURBO, replace(PLAIN_CPU, memory_bytes=64 * GIB)).dtype == "float32"


def test_the_settings_decide_about_the_precision_of_the_cpu():
    assert plan(NANO, PLAIN_CPU, cpu_precision="bfloat16").dtype == "bfloat16"
    assert plan(TURBO, replace(PLAIN_CPU, cpu_has_bf16=True), cpu_precision="float32").dtype == "float32"


def test_each_card_has_a_plan_of_its_own():
    hardware = replace(card(80), accelerators=(*with_cards("cuda:0", gib=80).accelerators,
                                               *with_cards("cuda:1", gib=16).accelerators))  # fmt: skip
    assert plan(TURBO, hardware, "cuda:0") == LoadPlan("cuda:0", "bfloat16", "none")
    assert plan(TURBO, hardware, "cuda:1") == LoadPlan("cuda:1", "bfloat16", "none", "int8", vae_tile=128)
