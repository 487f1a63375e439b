"""Wire schemas of the machine's and the process's state."""

from __future__ import annotations

from datetime import datetime

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


class SystemStatus(Frozen):
    """Sample of the machine's state."""

    cpu: CpuStatus
    memory: MemoryStatus
    gpu: GpuStatus | None
    disk: DiskStatus
    timestamp: datetime


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
