"""Schedules against diffusers', and what holds for every one of them."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from zimage.config import SchedulerConfig
from zimage.errors import ConfigError
from zimage.scheduler import (
    FlowMatchEulerDiscreteScheduler,
    euler_step,
    linear_sigmas,
    resolution_shift,
    shift_sigmas,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from diffusers import FlowMatchEulerDiscreteScheduler as Peer
    from diffusers.pipelines.z_image.pipeline_z_image import calculate_shift, get_default_z_image_sigmas

CONFIGURATIONS = [
    {"shift": 1.0},
    {"shift": 3.0},
    {"shift": 6.0},
    {"use_dynamic_shifting": True},
    {"use_dynamic_shifting": True, "time_shift_type": "linear"},
    {"shift": 3.0, "shift_terminal": 0.02},
]
N_TOKENS = 1024


@pytest.mark.parametrize("config", CONFIGURATIONS, ids=str)
@pytest.mark.parametrize("unshifted", [linear_sigmas, get_default_z_image_sigmas], ids=["points", "forwards"])
def test_every_schedule_equals_diffusers(config, unshifted):
    ours, peer = FlowMatchEulerDiscreteScheduler(**config), Peer(**config)
    first = 3 if "shift_terminal" in config else 1  # a single level cannot be stretched, by neither
    for steps in range(first, 51):
        peer.set_timesteps(sigmas=unshifted(steps), mu=calculate_shift(N_TOKENS))
        sigmas = ours.sigmas(unshifted(steps), N_TOKENS)

        assert torch.allclose(sigmas, peer.sigmas, atol=1e-6, rtol=0)
        assert torch.allclose(ours.times(sigmas), (1000 - peer.timesteps) / 1000, atol=1e-6, rtol=0)


@pytest.mark.parametrize("shift", [1.0, 3.0, 6.0])
def test_static_schedules_equal_to_the_last_bit(shift):
    ours, peer = FlowMatchEulerDiscreteScheduler(shift=shift), Peer(shift=shift)
    for steps in range(1, 51):
        peer.set_timesteps(sigmas=linear_sigmas(steps))
        assert torch.equal(ours.sigmas(linear_sigmas(steps), N_TOKENS), peer.sigmas)


def test_a_step_equals_diffusers():
    ours, peer = FlowMatchEulerDiscreteScheduler(), Peer(shift=3.0)
    peer.set_timesteps(sigmas=linear_sigmas(9))
    sigmas = ours.sigmas(linear_sigmas(9), N_TOKENS)
    latents, velocity = torch.randn(2, 1, 16, 4, 4, generator=torch.Generator().manual_seed(0))
    for step, timestep in enumerate(peer.timesteps):
        expected = peer.step(velocity, timestep, latents, return_dict=False)[0]
        latents = euler_step(latents, velocity, sigmas[step], sigmas[step + 1])
        assert torch.equal(latents, expected)


def test_turbos_eight_forwards():
    sigmas = FlowMatchEulerDiscreteScheduler(shift=3.0).sigmas(linear_sigmas(9), N_TOKENS)
    expected = [1, 0.954545, 0.9, 0.833333, 0.75, 0.642857, 0.5, 0.3, 0]
    assert sigmas.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("steps", "forwards"), [(1, 1), (2, 1), (3, 2), (9, 8), (50, 49)])
def test_n_points_are_n_minus_one_forwards(steps, forwards):
    assert len(linear_sigmas(steps)) == forwards


@settings(deadline=None)
@given(st.integers(1, 50), st.floats(0.1, 20))
def test_a_schedule_falls_from_one_to_zero(steps, shift):
    sigmas = FlowMatchEulerDiscreteScheduler(shift=shift).sigmas(linear_sigmas(steps), N_TOKENS)
    assert sigmas[0].item() == pytest.approx(1)
    assert sigmas[-1] == 0
    assert bool((sigmas.diff() < 0).all())


@given(st.floats(0, 1), st.floats(0.1, 20))
def test_a_shift_is_undone_by_its_inverse(sigma, shift):
    level = torch.tensor([sigma], dtype=torch.float64)
    assert shift_sigmas(shift_sigmas(level, shift), 1 / shift).item() == pytest.approx(sigma, abs=1e-9)


def test_a_straight_path_ends_at_the_picture():
    generator = torch.Generator().manual_seed(0)
    picture, noise = torch.randn(2, 8, generator=generator)
    sigmas = FlowMatchEulerDiscreteScheduler().sigmas(linear_sigmas(9), N_TOKENS)
    latents = noise
    for step in range(len(sigmas) - 1):
        latents = euler_step(latents, noise - picture, sigmas[step], sigmas[step + 1])
    assert torch.allclose(latents, picture, atol=1e-5)


@pytest.mark.parametrize("unshifted", [[], [0.5, 0.7], [0.5, 0.5], [1.5, 0.5], [1.0, 0.0], [float("nan")]])
def test_levels_that_do_not_fall_are_refused(unshifted):
    with pytest.raises(ValueError, match="must fall"):
        FlowMatchEulerDiscreteScheduler().sigmas(unshifted, N_TOKENS)


@pytest.mark.parametrize("steps", [0, -1])
def test_a_schedule_needs_a_point(steps):
    with pytest.raises(ValueError, match="positive"):
        linear_sigmas(steps)


@pytest.mark.parametrize(
    "config",
    [
        {"shfit": 3.0},
        {"use_karras_sigmas": True},
        {"use_beta_sigmas": True},
        {"use_exponential_sigmas": True},
        {"invert_sigmas": True},
        {"stochastic_sampling": True},
        {"shift": 0.0},
    ],
    ids=str,
)
def test_settings_that_are_unknown_or_foreign_are_errors(config):
    with pytest.raises(ConfigError, match=next(iter(config))):
        FlowMatchEulerDiscreteScheduler(**config)


def test_a_dynamic_shift_needs_its_range():
    with pytest.raises(ConfigError, match="base_shift"):
        resolution_shift(N_TOKENS, SchedulerConfig(base_shift=None))


def test_a_shift_that_is_not_positive():
    with pytest.raises(ValueError, match="positive"):
        shift_sigmas(torch.ones(1), 0)
