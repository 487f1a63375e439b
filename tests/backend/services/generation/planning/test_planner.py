from __future__ import annotations

from dataclasses import replace

import pytest

from backend.models.recipe import Upscale
from backend.services.errors import DoesNotFit
from backend.services.generation.planning import planner as planner_module
from backend.services.generation.planning.calibration import Calibration
from backend.services.generation.planning.estimate import weights_bytes
from backend.services.generation.planning.footprint import footprint_of
from backend.services.generation.planning.load_plan import Accelerator, Hardware, LoadPlan
from backend.services.generation.planning.planner import Planner
from backend.services.generation.planning.program_memory import MemorySeen
from backend.services.library.files import ModelFiles
from backend.services.library.model_entry import NANO, TURBO
from tests.backend.fakes import PLAIN_CPU, a_recipe, make_planner
from tests.backend.services.generation.planning.turbo import FACTS, WEIGHTS, work_at

GIB = 2**30


@pytest.fixture
def turbo(tmp_path, monkeypatch):
    monkeypatch.setattr(planner_module.FactsReader, "read", lambda self, files: FACTS)
    return replace(TURBO, files=ModelFiles.of_folder(tmp_path))


def with_card(gib, host_gib=64):
    return Hardware(host_gib * GIB, False, (Accelerator("cuda", gib * GIB, has_bf16=True),))


def outlook(settings, model, hardware, **values):
    planner = make_planner(settings, lambda: hardware)
    return planner, planner.outlook(model, a_recipe(**{"width": 1024, "height": 1024, **values}), use_gpu=True)


PLANS = {
    24: LoadPlan("cuda", "bfloat16", vae_tile=128),
    16: LoadPlan("cuda", "bfloat16", "none", "int8", vae_tile=128),
    12: LoadPlan("cuda", "bfloat16", "model", "int8", vae_tile=128),
    8: LoadPlan("cuda", "bfloat16", "sequential", "int8", resident_blocks=31, vae_tile=64),
    6: LoadPlan("cuda", "bfloat16", "sequential", "int8", resident_blocks=19, vae_tile=64),
    4: LoadPlan("cuda", "bfloat16", "sequential", "int8", resident_blocks=8, vae_tile=64),
}


@pytest.mark.parametrize("is_folder", [True, False], ids=["folder", "files"])
@pytest.mark.parametrize("gib", PLANS)
def test_what_a_card_holds_of_turbo(settings, turbo, gib, is_folder):
    model = turbo if is_folder else replace(turbo, files=replace(turbo.files, folder=None))
    _, found = outlook(settings, model, with_card(gib))
    assert (found.plan, found.prediction.fits) == (PLANS[gib], True)
    expected = footprint_of(WEIGHTS, found.plan, work_at())
    assert (found.prediction.device_bytes, found.prediction.host_bytes) == (expected.device, expected.host)
    assert found.prediction.device_bytes < gib * GIB
    assert (found.prediction.load_s, found.prediction.first_s, found.prediction.next_s) == (None, None, None)


def test_a_card_is_planned_for_images_of_the_default_size(settings, turbo):
    small = settings.model_copy(update={"default_width": 512, "default_height": 512})
    assert outlook(small, turbo, with_card(4))[1].plan.resident_blocks > PLANS[4].resident_blocks


def test_seconds_of_a_streamed_model_follow_from_those_of_a_whole_one(settings, turbo):
    planner, first = outlook(settings, turbo, with_card(24))
    recipe = a_recipe(width=1024, height=1024)
    plan = replace(first.plan, vae_tile=0, quantization="int8")
    planner.learn_image(turbo, plan, recipe, forwards_s=4.0, around_s=1.0, memory=None)
    planner._hardware = lambda: with_card(6)
    found = planner.outlook(turbo, recipe, use_gpu=True).prediction
    assert found.next_s == pytest.approx(5.0)  # 13 blocks are copied in less than half a second
    assert found.first_s == pytest.approx(5.0 + 35 * 100_925_440 / 12e9)


def test_the_memory_of_a_processor_is_the_machines(settings, turbo):
    _, found = outlook(settings, turbo, PLAIN_CPU)
    prediction = found.prediction
    assert prediction.device_bytes == prediction.host_bytes > weights_bytes(FACTS, found.plan)
    assert prediction.device_total_bytes == prediction.host_total_bytes == PLAIN_CPU.memory_bytes


def test_what_cannot_fit_offers_what_does(settings, turbo):
    planner, found = outlook(settings, turbo, with_card(3), width=2048, height=2048)
    assert not found.prediction.fits
    assert found.offer is not None
    width, height = found.offer
    assert 256 <= width < 2048
    assert width == height
    with pytest.raises(DoesNotFit, match=f"memory of cuda, .*{width}×{height} would fit"):
        planner.refuse_what_cannot_fit(turbo, a_recipe(width=2048, height=2048), use_gpu=True)
    planner.refuse_what_cannot_fit(turbo, a_recipe(width=width, height=height), use_gpu=True)


def test_where_nothing_fits_that_is_said(settings, turbo):
    planner, found = outlook(settings, turbo, replace(PLAIN_CPU, memory_bytes=GIB))
    assert (found.prediction.fits, found.offer) == (False, None)
    with pytest.raises(DoesNotFit, match="No size of this model would"):
        planner.refuse_what_cannot_fit(turbo, a_recipe(), use_gpu=True)


def test_a_model_of_few_sizes_offers_one_of_them(settings, turbo):
    nano = replace(NANO, files=turbo.files, sizes=((256, 256), (384, 256), (512, 512)))
    _, found = outlook(settings, nano, with_card(4, host_gib=1), width=512, height=512)
    assert found.offer is None  # the main memory is too small for every size


def test_predictions_are_held_against_what_happened(settings, turbo):
    planner, first = outlook(settings, turbo, with_card(24))
    recipe = a_recipe(width=1024, height=1024)
    planner.learn_load(turbo, first.plan, recipe, 10.0, base_bytes=GIB)
    planner.learn_image(turbo, first.plan, recipe, forwards_s=4.0, around_s=1.0, memory=MemorySeen(GIB, 4 * GIB, GIB))
    found = planner.outlook(turbo, recipe, use_gpu=True).prediction
    assert (found.load_s, found.next_s) == (pytest.approx(10.0), pytest.approx(5.0))
    assert found.device_bytes == pytest.approx(weights_bytes(FACTS, first.plan) + 3 * GIB, rel=1e-6)
    assert found.host_bytes == GIB
    loaded = planner.outlook(turbo, recipe, use_gpu=True, is_loaded=True).prediction
    assert loaded.load_s == 0.0
    larger = planner.outlook(turbo, a_recipe(width=2048, height=1024), use_gpu=True).prediction
    assert larger.next_s is not None
    assert larger.next_s > 10.0


def test_a_prediction_that_was_learned_too_high_keeps_nobody_from_drawing(settings, turbo):
    planner, first = outlook(settings, turbo, with_card(24))
    recipe = a_recipe(width=1024, height=1024)
    planner.learn_image(turbo, first.plan, recipe, forwards_s=4.0, around_s=1.0, memory=MemorySeen(GIB, 21 * GIB, GIB))
    found = planner.outlook(turbo, recipe, use_gpu=True).prediction
    assert found.device_bytes > found.device_total_bytes
    assert found.fits
    planner.refuse_what_cannot_fit(turbo, recipe, use_gpu=True)


def test_the_memory_of_a_process_is_foretold_from_what_it_held(settings, turbo):
    planner, first = outlook(settings, turbo, PLAIN_CPU)
    weights, recipe = weights_bytes(FACTS, first.plan), a_recipe(width=512, height=512)
    planner.learn_load(turbo, first.plan, recipe, 10.0, base_bytes=GIB)
    seen = MemorySeen(weights + GIB, weights + 4 * GIB, weights + 2 * GIB)  # kernels come with the first image
    planner.learn_image(turbo, first.plan, recipe, forwards_s=4.0, around_s=1.0, memory=seen)
    again = planner.outlook(turbo, recipe, use_gpu=False).prediction
    assert again.device_bytes == again.host_bytes == pytest.approx(weights + 4 * GIB, rel=1e-6)


def test_what_a_process_holds_already_it_does_not_give_back(settings, turbo):
    planner = Planner(
        settings, lambda: PLAIN_CPU, Calibration(settings.data_dir / "c.json"), held_bytes=lambda: 40 * GIB
    )
    loaded = planner.outlook(turbo, a_recipe(), use_gpu=False, is_loaded=True).prediction
    assert loaded.device_bytes == loaded.host_bytes == 40 * GIB
    assert planner.outlook(turbo, a_recipe(), use_gpu=False).prediction.device_bytes < 40 * GIB


def test_swap_counts_as_memory_of_the_host(settings, turbo):
    small = replace(PLAIN_CPU, memory_bytes=8 * GIB)
    assert not outlook(settings, turbo, small)[1].prediction.fits
    assert outlook(settings, turbo, replace(small, swap_bytes=32 * GIB))[1].prediction.fits


def test_what_does_not_fit_a_card_is_refused_with_the_processor_as_the_way_out(settings, turbo):
    planner, found = outlook(settings, turbo, with_card(1))
    assert (found.plan.resident_blocks, found.prediction.fits) == (0, False)
    with pytest.raises(DoesNotFit, match="The processor draws it with use_gpu false"):
        planner.refuse_what_cannot_fit(turbo, a_recipe(width=1024, height=1024), use_gpu=True)


def test_a_model_that_only_diffusers_knows_is_assumed_to_be_as_published(settings, turbo, monkeypatch):
    unknown = replace(FACTS, width=0, n_layers=0)
    monkeypatch.setattr(planner_module.FactsReader, "read", lambda self, files: unknown)
    found = outlook(settings, turbo, with_card(8))[1]
    assert (found.plan.offload, found.prediction.fits) == ("sequential", True)


@pytest.mark.parametrize(("engine", "dtype"), [("auto", "float16"), ("native", "float16"), ("diffusers", "float32")])
def test_old_cards_compute_in_float16_where_the_engine_can(settings, turbo, engine, dtype):
    old = replace(with_card(24), accelerators=(Accelerator("cuda", 24 * GIB, has_bf16=False),))
    own = settings.model_copy(update={"engine": engine})
    assert outlook(own, turbo, old)[1].plan.dtype == dtype


# -- ControlNets ------------------------------------------------------------------------------------------------------

VALUES = {"union": 3_355_000_000, "lite": 1_010_000_000}


def controls(*names, scale=0.8):
    return [{"image": "0" * 64, "model": name, "scale": scale} for name in names]


@pytest.fixture
def controlled(settings, turbo):
    hardware = with_card(24)
    return Planner(settings, lambda: hardware, Calibration(settings.data_dir / "c.json"), VALUES.__getitem__)


def predicted(planner, turbo, names, **more):
    control = controls(*names, **more) or None
    return planner.outlook(turbo, a_recipe(width=1024, height=1024, control=control), use_gpu=True).prediction


def test_a_controlnet_is_held_beside_the_model(controlled, turbo):
    alone = predicted(controlled, turbo, [])
    lite = predicted(controlled, turbo, ["lite"])
    assert lite.device_bytes - alone.device_bytes == 2 * VALUES["lite"]
    assert predicted(controlled, turbo, ["lite", "lite"]) == lite
    assert predicted(controlled, turbo, ["lite"], scale=0) == alone


def test_one_that_does_not_fit_is_refused_with_what_helps(controlled, turbo):
    controlled.refuse_what_cannot_fit(turbo, a_recipe(control=controls("lite")), use_gpu=True)
    with pytest.raises(DoesNotFit, match="smaller ControlNet takes less, and so does ZIMAGE_QUANTIZATION=int8"):
        controlled.refuse_what_cannot_fit(turbo, a_recipe(control=controls("union")), use_gpu=True)


def test_it_takes_time_as_more_blocks_of_the_transformer_would(controlled, turbo):
    plan = controlled.plan(turbo.files, "cuda")
    recipe = a_recipe(width=1024, height=1024)
    controlled.learn_image(turbo, plan, recipe, forwards_s=4.0, around_s=0.0, memory=None)
    assert predicted(controlled, turbo, ["union"]).next_s == pytest.approx(4.0 * 1.5, rel=0.1)
    assert predicted(controlled, turbo, ["lite"]).next_s == pytest.approx(4.0 * 1.15, rel=0.05)


@pytest.mark.parametrize(
    "more", [{"control": controls("lite")}, {"upscale": Upscale(width=2048, height=2048), "init_image": "0" * 64}]
)
def test_nothing_is_learned_of_images_that_take_more_than_their_size_tells(controlled, turbo, more):
    recipe = a_recipe(width=1024, height=1024)
    plan = controlled.plan(turbo.files, "cuda")
    controlled.learn_image(turbo, plan, recipe.model_copy(update=more), forwards_s=4.0, around_s=0.0, memory=None)
    assert controlled.outlook(turbo, recipe, use_gpu=True).prediction.next_s is None
