from __future__ import annotations

import pytest

from backend.services.generation.planning.load_plan import Accelerator, Hardware
from backend.services.generation.planning.recommend import Advice, advise
from backend.services.library.variants.table import VARIANTS, Variant
from tests.backend.fakes import make_planner

GIB, GB = 2**30, 10**9
PLENTY = 500 * GB


def machine(host_gib: int, card_gib: int = 0, kind: str = "cuda", *, bf16: bool = True) -> Hardware:
    cards = (Accelerator(kind, card_gib * GIB, has_bf16=bf16),) if card_gib else ()
    return Hardware(host_gib * GIB, cpu_has_bf16=False, accelerators=cards)


def ask(settings, hardware, room=PLENTY, here=()) -> Advice:
    def missing_bytes(variant: Variant) -> int:
        return 0 if variant.id in here else variant.size_bytes

    return advise(make_planner(settings, lambda: hardware), VARIANTS, missing_bytes, room)


@pytest.mark.parametrize(
    ("hardware", "turbo", "reason"),
    [
        (machine(64, 80), "z_image_turbo_bf16", "full"),
        (machine(32, 24), "z_image_turbo_bf16", "full"),
        (machine(32, 24, bf16=False), "z_image_turbo_bf16", "full"),
        (machine(32, 16), "z_image_turbo_int8_convrot", "quantised"),
        (machine(32, 12), "z_image_turbo_int8_convrot", "in_turns"),
        (machine(32, 8), "z_image_turbo_int8_convrot", "in_turns"),
        (machine(16, 8), "z_image_turbo_int8_convrot", "in_turns"),
        (machine(16, 4), "z_image_turbo_int8_convrot", "in_turns"),
        (machine(8, 4), "z_image_turbo-Q4_K_M", "in_turns"),  # what is away must fit the main memory
        (machine(32), "z_image_turbo_bf16", "full"),
        (machine(16), "z_image_turbo_int8_convrot", "quantised"),
        (machine(64, 64, "mps"), "z_image_turbo_bf16", "full"),
        (machine(16, 16, "mps"), "z_image_turbo_int8_convrot", "quantised"),
    ],
    ids=[
        "80", "24", "24 without bf16", "16", "12", "8", "8 and little", "4", "4 and little",
        "CPU 32", "CPU 16", "Apple 64", "Apple 16",
    ],
)  # fmt: skip
def test_what_suits_a_machine(settings, hardware, turbo, reason):
    advice = ask(settings, hardware)
    assert {
        variant_id: advice.recommended[variant_id] for variant_id in advice.recommended if "turbo" in variant_id
    } == {turbo: reason}
    assert len(advice.recommended) == 2, "one of each member"
    assert not advice.short_of_disk


@pytest.mark.parametrize("hardware", [machine(8), machine(8, 8, "mps"), machine(8, 2)])
def test_a_machine_that_can_hold_none_is_recommended_none(settings, hardware):
    assert ask(settings, hardware).recommended == {}


@pytest.mark.parametrize(
    ("room", "turbo"),
    [
        (25, "z_image_turbo_bf16"),
        (12.5, "z_image_turbo_int8_convrot"),
        (12, "z_image_turbo-Q8_0"),
        (8, "z_image_turbo-Q4_K_M"),
        (5, None),
    ],
)
def test_a_full_disk_leads_to_a_smaller_one_and_is_named_as_the_reason(settings, room, turbo):
    advice = ask(settings, machine(64, 24), round(room * GB))
    assert next((variant_id for variant_id in advice.recommended if "turbo" in variant_id), None) == turbo
    assert (turbo in advice.short_of_disk) == (turbo not in (None, "z_image_turbo_bf16"))


def test_what_is_here_needs_no_room_and_goes_before_its_equals(settings):
    assert ask(settings, machine(64, 24), 0, here={"z-image-turbo"}).recommended == {"z-image-turbo": "full"}
    assert "z-image-turbo" in ask(settings, machine(64, 24), here={"z-image-turbo"}).recommended


def test_the_settings_of_the_planner_count(settings):
    exact = settings.model_copy(update={"quantization": "none", "offload": "model"})
    assert ask(exact, machine(64, 16)).recommended["z_image_turbo_bf16"] == "in_turns"


def test_needs_are_the_planners(settings):
    offers = {offer.variant.id: offer for offer in ask(settings, machine(64, 16)).offers}
    assert set(offers) == {variant.id for variant in VARIANTS}
    int8 = offers["z_image_turbo_int8_convrot"].outlook
    assert (int8.plan.quantization, int8.plan.device, int8.prediction.fits) == ("int8", "cuda", True)
    assert 10 * GIB < int8.prediction.device_bytes < 16 * GIB == int8.prediction.device_total_bytes
    gguf = offers["z_image_turbo-Q4_K_M"].outlook
    assert (gguf.plan.quantization, gguf.plan.offload) == ("gguf", "none")
    assert gguf.prediction.device_bytes < int8.prediction.device_bytes


def test_int8_in_turns_goes_before_four_bits_as_a_whole(settings):
    offers = {offer.variant.id: offer.outlook.plan for offer in ask(settings, machine(32, 12)).offers}
    assert offers["z_image_turbo_int8_convrot"].offload == "model"
    assert offers["z_image_turbo-Q4_K_M"].offload == "none"
