from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.services.generation.load_plan import (
    CPU_MAX_AREA_PX,
    Hardware,
    LoadPlan,
    Weights,
    fit_size,
    nearest_size,
    plan_load,
)
from tests.backend.fakes import PLAIN_CPU

GIB = 2**30
TURBO = Weights(total_bytes=20 * GIB, largest_part_bytes=12 * GIB)
NANO = Weights(total_bytes=GIB // 50, largest_part_bytes=GIB // 60)


def card(gib: float, *, bf16: bool = True, kind: str = "cuda") -> Hardware:
    return replace(
        PLAIN_CPU, accelerator=kind, accelerator_memory_bytes=int(gib * GIB), accelerator_has_bf16=bf16,
    )  # fmt: skip


def plan(weights: Weights, hardware: Hardware, **values: object) -> LoadPlan:
    return plan_load(weights, hardware, **{"use_gpu": True, "offload": "auto", "cpu_precision": "auto", **values})


@pytest.mark.parametrize(("gib", "offload"), [(80, "none"), (24, "none"), (16, "model"), (8, "sequential")])
def test_weights_that_do_not_fit_the_card_are_offloaded(gib, offload):
    assert plan(TURBO, card(gib)) == LoadPlan("cuda", "bfloat16", offload)


def test_a_card_without_bf16_computes_in_float32_never_in_float16():
    assert plan(TURBO, card(24, bf16=False)) == LoadPlan("cuda", "float32", "sequential")
    assert plan(TURBO, card(32, bf16=False)) == LoadPlan("cuda", "float32", "model")


def test_the_settings_decide_about_offload():
    assert plan(TURBO, card(80), offload="model").offload == "model"
    assert plan(TURBO, card(8), offload="none").offload == "none"


def test_shared_memory_is_not_offloaded():
    assert plan(TURBO, card(8, kind="mps"), offload="model") == LoadPlan("mps", "bfloat16", "none")


def test_the_cpu_is_used_when_asked_for_and_when_there_is_nothing_else():
    assert plan(NANO, card(24), use_gpu=False) == LoadPlan("cpu", "float32")
    assert plan(NANO, PLAIN_CPU) == LoadPlan("cpu", "float32")


def test_the_cpu_takes_bf16_when_it_has_it_or_when_float32_does_not_fit():
    assert plan(NANO, replace(PLAIN_CPU, cpu_has_bf16=True)).dtype == "bfloat16"
    assert plan(TURBO, PLAIN_CPU).dtype == "bfloat16"
    assert plan(TURBO, replace(PLAIN_CPU, memory_bytes=64 * GIB)).dtype == "float32"


def test_the_settings_decide_about_the_precision_of_the_cpu():
    assert plan(NANO, PLAIN_CPU, cpu_precision="bfloat16").dtype == "bfloat16"
    assert plan(TURBO, replace(PLAIN_CPU, cpu_has_bf16=True), cpu_precision="float32").dtype == "float32"


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1024, 1024, (512, 512)),
        (2048, 1024, (720, 352)),
        (512, 512, (512, 512)),
        (256, 256, (256, 256)),
        (1024, 256, (1024, 256)),
        (1536, 1024, (624, 416)),
        (2048, 256, (1440, 176)),
    ],
)
def test_the_cpu_area(width, height, expected):
    assert fit_size(width, height, multiple=16, max_area=CPU_MAX_AREA_PX) == expected


def test_a_coarser_grid():
    assert fit_size(272, 272, multiple=32, max_area=None) == (288, 288)
    assert fit_size(256, 512, multiple=32, max_area=None) == (256, 512)


FEW = ((256, 256), (384, 256), (256, 384), (512, 512), (768, 512))


@pytest.mark.parametrize(
    ("width", "height", "max_area", "expected"),
    [
        (256, 256, None, (256, 256)),
        (1024, 1024, None, (512, 512)),
        (320, 320, None, (256, 256)),
        (1536, 1024, None, (768, 512)),
        (1536, 1024, CPU_MAX_AREA_PX, (384, 256)),
        (1024, 1536, CPU_MAX_AREA_PX, (256, 384)),
        (2048, 256, CPU_MAX_AREA_PX, (384, 256)),
        (512, 512, 100, (256, 256)),
    ],
)
def test_a_model_of_few_sizes_gets_the_nearest(width, height, max_area, expected):
    assert nearest_size(width, height, FEW, max_area) == expected


SIDES = st.integers(16, 128).map(lambda n: 16 * n)


@given(SIDES, SIDES, st.sampled_from([16, 32, 64]), st.sampled_from([None, CPU_MAX_AREA_PX]))
def test_any_size_lands_on_the_grid_and_below_the_area(width, height, multiple, max_area):
    fitted = fit_size(width, height, multiple=multiple, max_area=max_area)

    assert all(side % multiple == 0 and side > 0 for side in fitted)
    if max_area is not None:
        assert fitted[0] * fitted[1] <= max_area
        assert fitted == fit_size(*fitted, multiple=multiple, max_area=max_area)
    assert (fitted[0] >= fitted[1]) == (width >= height) or fitted[0] == fitted[1]
