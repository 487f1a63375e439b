from __future__ import annotations

import sys

import pytest

from backend.services.generation.engines import process_memory
from backend.services.generation.engines.memory import MemoryMeter
from backend.services.generation.engines.process_memory import held_bytes, peak_bytes, reset_peak

MIB = 2**20


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_a_peak_is_seen_after_it_is_over_and_begins_anew():
    reset_peak()
    before = held_bytes()
    large = bytearray(200 * MIB)
    large[::4096] = b"x" * len(large[::4096])
    del large
    assert before is not None
    peak = peak_bytes()
    assert peak is not None
    assert peak > before + 150 * MIB
    reset_peak()
    again = peak_bytes()
    assert again is not None
    assert again < peak - 100 * MIB


def test_a_system_that_does_not_tell_is_no_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(process_memory, "_STATUS", tmp_path / "none")
    monkeypatch.setattr(process_memory, "_CLEAR", tmp_path / "no" / "clear")
    assert not reset_peak()
    assert (held_bytes(), peak_bytes()) == (None, None)
    (tmp_path / "none").write_text("VmRSS: many kB\n")
    assert held_bytes() is None


def test_a_peak_that_cannot_begin_anew_tells_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(process_memory, "_CLEAR", tmp_path / "no" / "clear")
    meter = MemoryMeter("cpu")
    meter.reset()
    assert meter.peak() is None
