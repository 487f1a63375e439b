"""Strength: no dead steps, all of it at 1, and diffusers' rule beside ours."""

from __future__ import annotations

import itertools

import pytest
from zimage.conditions.strength import count_steps, source_sigmas, tail_of_sigmas
from zimage.errors import ConfigError
from zimage.scheduler import linear_sigmas


@pytest.mark.parametrize("forwards", [1, 2, 8, 25])
def test_at_strength_1_it_is_the_schedule_of_text_to_image(forwards):
    assert source_sigmas(forwards, 1.0) == linear_sigmas(forwards + 1)


@pytest.mark.parametrize("forwards", [1, 8, 25])
def test_every_change_of_strength_changes_the_levels(forwards):
    levels = [source_sigmas(forwards, percent / 100) for percent in range(1, 101)]
    for less, more in itertools.pairwise(levels):
        assert less[0] < more[0]
        assert len(less) <= len(more)
    assert [len(one) for one in levels][-1] == forwards


@pytest.mark.parametrize(("forwards", "strength", "steps"), [(25, 0.28, 7), (8, 0.125, 1), (8, 0.126, 2), (8, 0.01, 1)])
def test_steps_are_rounded_up_but_for_the_rounding_of_floats(forwards, strength, steps):
    assert count_steps(forwards, strength) == steps == len(source_sigmas(forwards, strength))


@pytest.mark.parametrize("strength", [0.1, 0.37, 0.6, 1.0])
def test_steps_are_even_and_no_longer_than_without_a_source(strength):
    levels = [*source_sigmas(8, strength), 0.0]
    lengths = [above - below for above, below in itertools.pairwise(levels)]
    assert lengths == pytest.approx([lengths[0]] * len(lengths))
    assert lengths[0] <= 1 / 8 + 1e-9


@pytest.mark.parametrize("strength", [0, -0.1, 1.01, float("nan")])
def test_other_strengths_are_refused(strength):
    with pytest.raises(ConfigError, match="strength"):
        source_sigmas(8, strength)


def test_diffusers_rule_keeps_the_order_of_its_float_operations():
    levels = linear_sigmas(26)
    assert tail_of_sigmas(levels, 0.56) == levels[10:]  # exact mathematics would say 11
    assert tail_of_sigmas(levels, 1.0) == levels
    with pytest.raises(ConfigError, match="no step"):
        tail_of_sigmas(levels, 0.0)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        tail_of_sigmas(levels, 1.1)
