from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from backend.services.errors import UnknownDevice
from backend.services.generation.load_plan import (
    Blocks,
    Hardware,
    LoadPlan,
    Weights,
    choose_devices,
    explain_matrices,
    plan_load,
)
from tests.backend.fakes import PLAIN_CPU, with_cards

GIB = 2**30
TURBO = Weights(6_154_000_000, 4_022_000_000, 84_000_000)
Q4_0 = replace(TURBO, stored="gguf", blocks=(Blocks(6_000_000_000, 3_375_000_000), Blocks()), can_offload=False)
DIFFUSERS = replace(TURBO, is_native=False)
NANO = Weights(8_000_000, 11_000_000, 1_000_000)


def card(gib: float, *, bf16: bool = True, kind: str = "cuda") -> Hardware:
    return with_cards(kind, gib=gib, bf16=bf16)


def plan(weights: Weights, hardware: Hardware, device: str | None = None, **values: Any) -> LoadPlan:
    device = device or next((card.device for card in hardware.accelerators), "cpu")
    return plan_load(weights, hardware, device, **values)


@pytest.mark.parametrize(
    ("gib", "offload", "quantization"),
    [(80, "none", None), (24, "none", None), (16, "none", "int8"), (12, "sequential", None), (8, "sequential", None)],
)
def test_weights_that_do_not_fit_the_card_are_quantised_and_then_offloaded(gib, offload, quantization):
    assert plan(TURBO, card(gib)) == LoadPlan("cuda", "bfloat16", offload, quantization)


@pytest.mark.parametrize(("gib", "offload"), [(24, "none"), (16, "model"), (8, "sequential")])
def test_what_only_diffusers_runs_is_never_quantised(gib, offload):
    assert plan(DIFFUSERS, card(gib)) == LoadPlan("cuda", "bfloat16", offload)


def test_what_is_stored_quantised_stays_so_on_a_card():
    stored = replace(TURBO, stored="fp8")
    assert plan(stored, card(80)).quantization == "fp8"
    assert plan(stored, card(80), quantization="none").quantization is None
    assert plan(stored, replace(PLAIN_CPU, memory_bytes=64 * GIB)).quantization is None


def test_blocks_of_gguf_are_counted_as_they_are_stored_and_other_matrices_as_int8():
    transformer, text_encoder, vae = Q4_0.part_bytes("bfloat16", "gguf")
    assert transformer == 3_375_000_000 + 154_000_000 * 2
    assert (text_encoder, vae) == TURBO.part_bytes("bfloat16", "int8")[1:]
    assert Q4_0.part_bytes("bfloat16") == TURBO.part_bytes("bfloat16")
    assert Q4_0.part_bytes("bfloat16", "int8") == TURBO.part_bytes("bfloat16", "int8")


@pytest.mark.parametrize(("gib", "kind"), [(80, "cuda"), (8, "cuda"), (32, "mps")])
def test_blocks_of_gguf_stay_on_a_card(gib, kind):
    assert plan(Q4_0, card(gib, kind=kind)) == LoadPlan(kind, "bfloat16", quantization="gguf")
    assert plan(Q4_0, card(gib, kind=kind), quantization="int8").quantization == "int8"
    assert plan(Q4_0, card(gib, kind=kind), quantization="none").quantization is None


@pytest.mark.parametrize(("gib", "held"), [(32, None), (16, "int8"), (12, "gguf"), (4, "gguf")])
def test_a_processor_keeps_blocks_of_gguf_where_nothing_quicker_fits(gib, held):
    assert plan(Q4_0, replace(PLAIN_CPU, memory_bytes=gib * GIB)) == LoadPlan("cpu", "bfloat16", quantization=held)


def test_a_processor_keeps_no_blocks_that_are_larger_than_int8():
    q8_0 = replace(Q4_0, blocks=(Blocks(6_000_000_000, 6_375_000_000), Blocks(4_000_000_000, 4_250_000_000)))
    assert plan(q8_0, replace(PLAIN_CPU, memory_bytes=4 * GIB)).quantization == "int8"


@pytest.mark.parametrize(
    ("weights", "hardware", "wanted", "why"),
    [
        (Q4_0, replace(PLAIN_CPU, memory_bytes=12 * GIB), "auto",
         "gguf since there is no room for 19.1 in bfloat16 or 10.3 in int8, but for 9.0 GiB"),
        (TURBO, card(16), "auto", "int8 since there is no room for 19.1 in bfloat16, but for 13.0 GiB"),
        (Q4_0, card(12), "auto", "gguf as stored"),
        (Q4_0, replace(PLAIN_CPU, memory_bytes=64 * GIB), "auto", "float32"),
        (Q4_0, card(80), "int8", "int8 as set"),
        (Q4_0, card(80), "none", "bfloat16 as set"),
    ],
)  # fmt: skip
def test_a_plan_says_why(weights, hardware, wanted, why):
    assert explain_matrices(weights, hardware, plan(weights, hardware, quantization=wanted), wanted) == why


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


def test_a_card_without_bf16_computes_in_float32_where_the_engine_has_no_float16():
    assert plan(DIFFUSERS, card(24, bf16=False)) == LoadPlan("cuda", "float32", "sequential")
    assert plan(DIFFUSERS, card(32, bf16=False)) == LoadPlan("cuda", "float32", "model")


def test_a_card_without_bf16_computes_in_float16_what_fits_all_of_it():
    assert plan(TURBO, card(24, bf16=False)) == LoadPlan("cuda", "float16")
    assert plan(TURBO, card(16, bf16=False)) == LoadPlan("cuda", "float16", quantization="int8")
    assert plan(TURBO, card(12, bf16=False)) == LoadPlan("cuda", "float32", "sequential")
    assert plan(NANO, card(24, bf16=False), offload="model") == LoadPlan("cuda", "float32", "model")


def test_the_settings_decide_about_offload():
    assert plan(TURBO, card(80), offload="model").offload == "model"
    assert plan(TURBO, card(8), offload="none").offload == "none"


def test_shared_memory_holds_what_fits_it():
    assert plan(TURBO, card(32, kind="mps")) == LoadPlan("mps", "bfloat16")
    assert plan(TURBO, card(16, kind="mps")) == LoadPlan("mps", "bfloat16", quantization="int8")
    assert plan(replace(TURBO, stored="fp8"), card(32, kind="mps")) == LoadPlan("mps", "bfloat16")  # it has no float8
    assert plan(replace(TURBO, stored="int8"), card(32, kind="mps")).quantization == "int8"


def test_files_are_held_as_a_whole_as_small_as_they_can_be():
    files = replace(TURBO, can_offload=False)
    assert plan(files, card(12)) == LoadPlan("cuda", "bfloat16", quantization="int8")
    assert plan(files, card(24), offload="model") == LoadPlan("cuda", "bfloat16")


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
    assert plan(TURBO, hardware, "cuda:1") == LoadPlan("cuda:1", "bfloat16", "none", "int8")


@pytest.mark.parametrize(
    ("cards", "wanted", "chosen"),
    [
        ([], [], ["cpu"]),
        ([], ["auto"], ["cpu"]),
        (["cuda"], [], ["cuda"]),
        (["cuda"], ["cuda:0"], ["cuda"]),
        (["cuda"], ["cpu"], ["cpu"]),
        (["cuda:0", "cuda:1"], [], ["cuda:0"]),
        (["cuda:0", "cuda:1"], ["auto"], ["cuda:0", "cuda:1"]),
        (["cuda:0", "cuda:1"], ["cuda:1", "cpu", "cuda:1"], ["cuda:1", "cpu"]),
    ],
)
def test_devices_of_the_settings(cards, wanted, chosen):
    hardware = with_cards(*cards) if cards else PLAIN_CPU
    assert list(choose_devices(hardware, wanted)) == chosen


def test_a_device_that_is_not_here_is_named_with_those_that_are():
    with pytest.raises(UnknownDevice, match=r"names cuda:2; this machine has cpu, cuda:0, cuda:1"):
        choose_devices(with_cards("cuda:0", "cuda:1"), ["cuda:0", "cuda:2"])
