"""Wire schemas of the machine's and the process's state."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from backend.models.recipe import Frozen


class CpuStatus(Frozen):
    """CPU load."""

    usage_percent: float
    cores: int
    frequency_mhz: float


class MemoryStatus(Frozen):
    """Main memory, in GiB."""

    total_gb: float
    used_gb: float
    available_gb: float
    usage_percent: float


class GpuStatus(Frozen):
    """First GPU: load, memory in GiB, temperature in °C."""

    available: bool
    name: str | None
    memory_total_gb: float | None
    memory_used_gb: float | None
    usage_percent: float | None
    temperature: float | None


class DiskStatus(Frozen):
    """Disk of the data folder, in GiB."""

    path: str
    total_gb: float
    used_gb: float
    free_gb: float
    usage_percent: float


class Fault(Frozen):
    """What is wrong with the devices or the threads that use them."""

    code: Literal["device_failed", "device_given_up", "worker_ended"]
    message: str = Field(description="What is wrong, and what helps.")


class SystemStatus(Frozen):
    """Sample of the machine's state."""

    cpu: CpuStatus
    memory: MemoryStatus
    gpu: GpuStatus | None
    disk: DiskStatus
    timestamp: datetime
    fault: Fault | None = Field(default=None, description="What `/health` complains about; null when nothing is wrong.")


class Health(Frozen):
    """Liveness of the process."""

    status: str = "healthy"
    service: str = "Z-Image API"
    message: str | None = Field(default=None, description="What is wrong, and what helps; absent when it is healthy.")


class Root(Frozen):
    """Links to the documentation and the health check."""

    message: str = "Z-Image API"
    version: str
    docs: str = "/docs"
    health: str = "/health"
