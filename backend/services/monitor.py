"""Load of the machine, sampled in the background."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from backend.models.system import CpuStatus, DiskStatus, GpuStatus, MemoryStatus, SystemStatus
from backend.utils.clock import utc_now
from backend.utils.nearest_folder import nearest_folder
from backend.utils.texts import as_utf_8

logger = logging.getLogger(__name__)

SAMPLE_PERIOD_S = 1.0
IDLE_PERIOD_S = 10.0
WATCHED_FOR_S = 15.0
"""How long one look keeps the quick pace up; the UI looks every 5 s."""

MAX_GPU_FAILURES = 5
"""After so many in a row there is no use in asking: a driver that is busy answers the next time."""

_GIB = 2**30
_MIB_PER_GIB = 1024

ReadGpu = Callable[[], GpuStatus | None]


def read_gpu() -> GpuStatus | None:
    """Asks GPUtil, and so nvidia-smi, for the first card; takes up to a second."""
    import GPUtil

    cards = GPUtil.getGPUs()
    if not cards:
        return None
    card = cards[0]
    return GpuStatus(
        available=True,
        name=card.name,
        memory_total_gb=_number(card.memoryTotal / _MIB_PER_GIB),
        memory_used_gb=_number(card.memoryUsed / _MIB_PER_GIB),
        usage_percent=_number(card.load * 100),
        temperature=_number(card.temperature),
    )


def _number(value: float) -> float | None:
    """GPUtil writes NaN for what a card does not tell; JSON has no such number."""
    return round(value, 2) if value == value else None


class SystemMonitor:
    """Thread that samples every second while clients ask, and rarely otherwise."""

    def __init__(self, disk_path: Path, read_gpu: ReadGpu = read_gpu) -> None:
        self._disk_path = disk_path
        self._read_gpu: ReadGpu | None = read_gpu
        self._gpu_failures = 0
        self._wake = threading.Event()
        self._closing = False
        self._last_look = float("-inf")
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)
        self._latest: SystemStatus | None = None

    def start(self) -> None:
        """Starts the thread."""
        self._latest = self._sample(gpu=None)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=2.0)

    def status(self) -> SystemStatus:
        """Returns the latest sample, without waiting."""
        idle = time.monotonic() - self._last_look > WATCHED_FOR_S
        self._last_look = time.monotonic()
        if idle:
            self._wake.set()
        if self._latest is None:
            raise RuntimeError("status() was called before start()")
        return self._latest

    def free_disk_bytes(self) -> int:
        """Returns the current free space of the data folder's disk."""
        return psutil.disk_usage(str(nearest_folder(self._disk_path))).free

    def _work(self) -> None:
        while not self._closing:
            try:
                self._latest = self._sample(self._gpu())
            except OSError as error:
                logger.warning("the machine's state could not be read: %s", error)
            watched = time.monotonic() - self._last_look < WATCHED_FOR_S
            self._wake.wait(SAMPLE_PERIOD_S if watched else IDLE_PERIOD_S)
            self._wake.clear()

    def _gpu(self) -> GpuStatus | None:
        if self._read_gpu is None:
            return None
        try:
            gpu = self._read_gpu()
        except Exception as error:  # noqa: BLE001 — GPUtil parses what a driver prints and fails in many ways
            self._gpu_failures += 1
            if self._gpu_failures >= MAX_GPU_FAILURES:
                logger.warning("GPU monitoring is off: %s", error)
                self._read_gpu = None
            return None
        self._gpu_failures = 0
        return gpu

    def _sample(self, gpu: GpuStatus | None) -> SystemStatus:
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(str(nearest_folder(self._disk_path)))
        frequency = psutil.cpu_freq()
        return SystemStatus(
            cpu=CpuStatus(
                usage_percent=psutil.cpu_percent(interval=None),
                cores=psutil.cpu_count() or 1,
                frequency_mhz=round(frequency.current, 1) if frequency else 0.0,
            ),
            memory=MemoryStatus(
                total_gb=_gib(memory.total),
                used_gb=_gib(memory.total - memory.available),
                available_gb=_gib(memory.available),
                usage_percent=memory.percent,
            ),
            gpu=gpu,
            disk=DiskStatus(
                path=as_utf_8(self._disk_path),
                total_gb=_gib(disk.total),
                used_gb=_gib(disk.used),
                free_gb=_gib(disk.free),
                usage_percent=disk.percent,
            ),
            timestamp=utc_now(),
        )


def _gib(size_bytes: int) -> float:
    return round(size_bytes / _GIB, 2)
