from __future__ import annotations

from types import SimpleNamespace

import psutil
import pytest
import torch

from backend.services.generation.engines.hardware import detect_hardware


@pytest.fixture
def machine(monkeypatch):
    """A machine with nothing but a processor, to which a test adds."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    return monkeypatch


def test_a_processor_alone(machine):
    hardware = detect_hardware()

    assert (hardware.accelerator, hardware.accelerator_memory_bytes, hardware.cpu_has_bf16) == (None, 0, False)
    assert hardware.memory_bytes == psutil.virtual_memory().total


@pytest.mark.parametrize("name", ["amx_bf16", "avx512_bf16", "bf16"])
def test_a_processor_with_bf16(machine, name):
    machine.setattr(torch.cpu, "get_capabilities", lambda: {name: True})
    assert detect_hardware().cpu_has_bf16


@pytest.mark.parametrize("bf16", [True, False])
def test_a_card(machine, bf16):
    machine.setattr(torch.cuda, "is_available", lambda: True)
    machine.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(total_memory=24 * 2**30))
    machine.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: bf16 and not including_emulation)

    hardware = detect_hardware()

    assert (hardware.accelerator, hardware.accelerator_memory_bytes) == ("cuda", 24 * 2**30)
    assert hardware.accelerator_has_bf16 is bf16


def test_an_apple_processor(machine):
    machine.setattr(torch.backends.mps, "is_available", lambda: True)
    hardware = detect_hardware()
    assert (hardware.accelerator, hardware.accelerator_memory_bytes) == ("mps", psutil.virtual_memory().total)


def test_this_machine():
    assert detect_hardware().memory_bytes > 0
