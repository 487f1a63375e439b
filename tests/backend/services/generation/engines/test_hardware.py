from __future__ import annotations

import contextlib
from types import SimpleNamespace

import psutil
import pytest
import torch

from backend.services.generation.engines.hardware import detect_hardware
from backend.services.generation.planning.load_plan import Accelerator


@pytest.fixture
def machine(monkeypatch):
    """A machine with nothing but a processor, to which a test adds."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    return monkeypatch


def test_a_processor_alone(machine):
    hardware = detect_hardware()

    assert (hardware.accelerators, hardware.cpu_has_bf16) == ((), False)
    assert hardware.memory_bytes == psutil.virtual_memory().total


@pytest.mark.parametrize("name", ["amx_bf16", "avx512_bf16", "bf16"])
def test_a_processor_with_bf16(machine, name):
    machine.setattr(torch.cpu, "get_capabilities", lambda: {name: True})
    assert detect_hardware().cpu_has_bf16


@pytest.mark.parametrize("bf16", [True, False])
@pytest.mark.parametrize(("count", "names"), [(1, ["cuda"]), (2, ["cuda:0", "cuda:1"])])
def test_cards(machine, bf16, count, names):
    machine.setattr(torch.cuda, "is_available", lambda: True)
    machine.setattr(torch.cuda, "device_count", lambda: count)
    machine.setattr(torch.cuda, "device", lambda _: contextlib.nullcontext())
    facts = [SimpleNamespace(total_memory=(24 - n) * 2**30, name=f"Card {n}") for n in range(count)]
    machine.setattr(torch.cuda, "get_device_properties", facts.__getitem__)
    machine.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 and not including_emulation)

    assert detect_hardware().accelerators == tuple(
        Accelerator(name, (24 - n) * 2**30, bf16, name=f"Card {n}") for n, name in enumerate(names)
    )


def test_an_apple_processor(machine):
    machine.setattr(torch.backends.mps, "is_available", lambda: True)
    assert detect_hardware().accelerators == (Accelerator("mps", psutil.virtual_memory().total, has_bf16=True),)


def test_this_machine():
    assert detect_hardware().memory_bytes > 0
