from __future__ import annotations

import pytest

from backend.services.generation.planning.calibration import Cost
from backend.services.generation.planning.estimate import BUS_BYTES_PER_S, forwards_s, predict
from backend.services.generation.planning.footprint import encoder_bytes, footprint_of, streamed_bytes
from backend.services.generation.planning.load_plan import LoadPlan
from tests.backend.fakes import with_cards
from tests.backend.services.generation.planning.turbo import FACTS, WEIGHTS, work_at

GIB = 2**30
SIX = LoadPlan("cuda", "bfloat16", "sequential", "int8", resident_blocks=19, vae_tile=64)
TWELVE = LoadPlan("cuda", "bfloat16", "model", "int8")


def test_a_forward_takes_as_long_as_the_slower_of_computing_and_copying():
    work = work_at()
    assert forwards_s(work, 0.0) is None
    computed = 8 * work.forward_flops / 1e14
    assert forwards_s(work, 1e14) == pytest.approx(computed)
    assert forwards_s(work, 1e14, 1000) == pytest.approx(computed)
    assert forwards_s(work, 1e14, int(24e9), 12e9) == pytest.approx(16.0)


@pytest.mark.parametrize("plan", [SIX, TWELVE], ids=lambda plan: plan.offload)
def test_memory_is_told_for_card_and_host(plan):
    found = predict(FACTS, plan, work_at(), Cost(), with_cards(gib=12), base_bytes=GIB)
    expected = footprint_of(WEIGHTS, plan, work_at())
    assert (found.device_bytes, found.host_bytes) == (expected.device, GIB + expected.host)
    assert (found.next_s, found.first_s) == (None, None)
    assert found.fits


def test_seconds_follow_from_the_card_and_the_bus_until_something_was_drawn_so():
    slow, fast = Cost(flops_per_s=1e12, around_s=2.0), Cost(flops_per_s=1e18)
    work = work_at()
    found = predict(FACTS, SIX, work, Cost(), with_cards(gib=6), whole=slow)
    assert found.next_s == pytest.approx(8 * work.forward_flops / 1e12 + 2.0)
    reading_s = encoder_bytes(WEIGHTS, SIX) / BUS_BYTES_PER_S
    assert found.first_s == pytest.approx(found.next_s + reading_s)
    found = predict(FACTS, SIX, work, Cost(), with_cards(gib=6), whole=fast)
    assert found.next_s == pytest.approx(8 * streamed_bytes(WEIGHTS, SIX) / BUS_BYTES_PER_S)
    drawn = predict(FACTS, SIX, work, Cost(flops_per_s=2e12), with_cards(gib=6), whole=fast)
    assert drawn.next_s == drawn.first_s == pytest.approx(8 * work.forward_flops / 2e12)


def test_a_main_memory_that_is_too_small_for_what_is_away_does_not_fit():
    hardware = with_cards(gib=4)  # 16 GiB of main memory
    plain = LoadPlan("cuda", "bfloat16", "sequential", vae_tile=64)
    assert predict(FACTS, SIX, work_at(), Cost(), with_cards(gib=6)).fits
    assert not predict(FACTS, plain, work_at(), Cost(), hardware).fits
