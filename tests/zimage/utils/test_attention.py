"""Kernels are tried before they are taken, and none that ignores a mask is handed one."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from zimage.utils import attention
from zimage.utils.attention import AttentionUnavailable, attend, build_attend, choose_attention

CPU = torch.device("cpu")
SIZES = {"n_heads": 2, "head_dim": 16}


@pytest.fixture
def qkv() -> list[torch.Tensor]:
    return list(torch.randn(3, 2, 40, 2, 16, generator=torch.Generator().manual_seed(0)))


@pytest.fixture
def library(monkeypatch):
    """Stands for an installed FlashAttention; the test says what its function returns."""

    def install(function, name="flash_attn"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(flash_attn_func=function))

    return install


def naive(query, key, value, mask=None):
    scores = torch.einsum("bqhd,bkhd->bhqk", query, key) / query.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask[:, None, None, :], float("-inf"))
    return torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), value)


@pytest.mark.parametrize("name", ["sdpa", "flash", "math"])
def test_kernels_of_pytorch_give_what_the_formula_gives(name, qkv):
    assert torch.allclose(build_attend(name)(*qkv, None), naive(*qkv), atol=1e-5)


@pytest.mark.parametrize("name", ["sdpa", "flash", "math"])
def test_a_mask_is_never_ignored(name, qkv):
    mask = torch.arange(40) < torch.tensor([[40], [17]])
    masked = build_attend(name)(*qkv, mask)
    assert torch.allclose(masked, naive(*qkv, mask), atol=1e-5)
    assert not torch.allclose(masked, naive(*qkv), atol=1e-2)


def test_a_library_without_masks_does_not_see_a_ragged_batch(library, qkv):
    calls = []
    library(lambda query, key, value: (calls.append(1), naive(query, key, value))[1])
    mask = torch.arange(40) < torch.tensor([[40], [17]])
    function = build_attend("flash2")

    assert torch.allclose(function(*qkv, mask), naive(*qkv, mask), atol=1e-5)
    assert calls == []
    function(*qkv, None)
    assert calls == [1]


@pytest.mark.parametrize("wrap", [lambda mixed: mixed, lambda mixed: (mixed, None)], ids=["plain", "with log-sums"])
def test_a_library_that_works_is_chosen_when_asked_for(library, wrap):
    library(lambda query, key, value: wrap(naive(query, key, value)), "flash_attn_interface")
    choice = choose_attention("flash3", CPU, torch.float32, **SIZES)
    assert choice.name == "flash3"
    assert choice.milliseconds["flash3"] > 0


@pytest.mark.parametrize(
    "function",
    [
        lambda query, key, value: torch.full_like(value, float("nan")),
        lambda query, key, value: naive(query, key, value) + 0.1,
        lambda query, key, value: value[:, :1],
    ],
    ids=["NaN", "wrong", "of another shape"],
)
def test_a_kernel_that_is_wrong_is_refused(library, function):
    library(function)
    with pytest.raises(AttentionUnavailable, match="flash2"):
        choose_attention("flash2", CPU, torch.float32, **SIZES)


def test_a_kernel_that_is_not_installed_is_refused_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "flash_attn_interface", None)
    with pytest.raises(AttentionUnavailable, match=r"flash3.*flash_attn_interface"):
        choose_attention("flash3", CPU, torch.float32, **SIZES)


def test_unknown_kernel_name_is_refused():
    with pytest.raises(AttentionUnavailable, match=r"'warp'; known are auto, sdpa"):
        choose_attention("warp", CPU, torch.float32, **SIZES)


@pytest.mark.parametrize("device", ["cpu", "mps"])
def test_auto_takes_what_pytorch_has_where_there_is_no_choice(device):
    choice = choose_attention("auto", torch.device(device), torch.float32, **SIZES)
    assert (choice.name, choice.attend) == ("sdpa", attend)


@pytest.mark.parametrize(
    ("took", "chosen"),
    [({"first": 3.0, "second": 1.0}, "second"), ({"first": 1.05, "second": 1.0}, "first")],
    ids=["clearly faster", "about as fast"],
)
def test_auto_takes_the_fastest_of_those_that_work_but_keeps_the_order_of_equals(monkeypatch, took, chosen):

    def probe(function, sample):
        name = function.__name__
        if name == "broken":
            raise RuntimeError("no such kernel")
        return took[name]

    def build(name):
        def function(*_):
            raise AssertionError

        function.__name__ = name
        return function

    monkeypatch.setattr(attention, "KERNELS", dict.fromkeys(("broken", "first", "second")))
    monkeypatch.setattr(attention, "build_attend", build)
    monkeypatch.setattr(attention, "_probe", probe)
    monkeypatch.setattr(attention, "_sample", lambda *_: [])

    choice = choose_attention("auto", torch.device("meta"), torch.float32, **SIZES)

    assert choice.name == chosen
    assert choice.milliseconds == {"broken": None, **took}
