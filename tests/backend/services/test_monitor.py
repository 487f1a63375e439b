from __future__ import annotations

import sys
import threading
from types import SimpleNamespace

import psutil
import pytest

from backend.models.system import GpuStatus
from backend.services.monitor import MAX_GPU_FAILURES, SystemMonitor, read_gpu
from tests.backend.fakes import PATIENCE_S, wait_until

CARD = GpuStatus(
    available=True, name="a card", memory_total_gb=24.0, memory_used_gb=8.0, usage_percent=33.3, temperature=65.0
)


@pytest.fixture
def start(tmp_path):
    started: list[SystemMonitor] = []

    def start(read=lambda: None) -> SystemMonitor:
        monitor = SystemMonitor(tmp_path, read)
        started.append(monitor)
        monitor.start()
        return monitor

    yield start
    for monitor in started:
        monitor.close()


def test_numbers_make_sense(start, tmp_path, monkeypatch):
    monkeypatch.setattr(psutil, "cpu_freq", lambda: SimpleNamespace(current=3200.04))
    status = start().status()

    assert status.gpu is None
    assert status.cpu.cores == psutil.cpu_count()
    assert 0 <= status.cpu.usage_percent <= 100
    assert status.cpu.frequency_mhz == 3200.0
    assert 0 < status.memory.used_gb < status.memory.total_gb
    assert status.memory.available_gb + status.memory.used_gb == pytest.approx(status.memory.total_gb, abs=0.02)
    assert status.disk.path == str(tmp_path)
    assert status.disk.free_gb <= status.disk.total_gb
    assert status.timestamp.tzinfo is not None


def test_a_processor_that_does_not_tell_its_frequency(start, monkeypatch):
    monkeypatch.setattr(psutil, "cpu_freq", lambda: None)
    assert start().status().cpu.frequency_mhz == 0


def test_a_card_is_shown(start):
    monitor = start(lambda: CARD)
    wait_until(lambda: monitor.status().gpu == CARD)


def test_no_look_waits_for_the_driver(start):
    asked, answer = threading.Event(), threading.Event()

    def slow():
        asked.set()
        answer.wait(PATIENCE_S)

    monitor = start(slow)
    assert asked.wait(PATIENCE_S)
    assert monitor.status().gpu is None
    answer.set()


def test_a_driver_that_fails_for_good_is_asked_no_more(start, caplog):
    calls: list[None] = []

    def fail():
        calls.append(None)
        raise ValueError("could not convert string to float: '[N/A]'")

    monitor = start(fail)
    wait_until(lambda: monitor._wake.set() or "GPU monitoring is off" in caplog.text)
    monitor._wake.set()
    first = monitor.status().timestamp
    wait_until(lambda: monitor.status().timestamp > first)

    assert len(calls) == MAX_GPU_FAILURES
    assert monitor.status().gpu is None


def test_a_driver_that_fails_now_and_then_is_asked_again(start):
    answers = iter([ValueError("busy")] * (MAX_GPU_FAILURES - 1) + [CARD] + [ValueError("busy")])

    def read():
        answer = next(answers, CARD)
        if isinstance(answer, Exception):
            raise answer
        return answer

    monitor = start(read)
    wait_until(lambda: monitor._wake.set() or monitor.status().gpu == CARD)


def test_a_look_after_a_pause_wakes_the_sampler(start):
    monitor = start()
    first = monitor.status().timestamp
    wait_until(lambda: monitor.status().timestamp > first)


def test_a_status_before_the_start_is_a_fault_of_ours(tmp_path):
    with pytest.raises(RuntimeError, match="before start"):
        SystemMonitor(tmp_path).status()


def test_the_free_space_is_read_now(tmp_path):
    assert SystemMonitor(tmp_path).free_disk_bytes() == pytest.approx(psutil.disk_usage(str(tmp_path)).free, rel=0.1)


@pytest.fixture
def cards(monkeypatch):
    found: list[SimpleNamespace] = []
    monkeypatch.setitem(sys.modules, "GPUtil", SimpleNamespace(getGPUs=lambda: found))
    return found


def test_no_card(cards):
    assert read_gpu() is None


def test_the_first_card_in_gib_and_percent(cards):
    cards += [
        SimpleNamespace(name="RTX", memoryTotal=24576.0, memoryUsed=8192.0, load=0.333, temperature=65.0),
        SimpleNamespace(name="other"),
    ]
    assert read_gpu() == CARD.model_copy(update={"name": "RTX"})


def test_what_a_card_does_not_tell_is_null(cards):
    nan = float("nan")
    cards.append(SimpleNamespace(name="M1", memoryTotal=nan, memoryUsed=nan, load=nan, temperature=nan))
    assert read_gpu().model_dump() == {
        "available": True, "name": "M1", "memory_total_gb": None, "memory_used_gb": None,
        "usage_percent": None, "temperature": None,
    }  # fmt: skip
