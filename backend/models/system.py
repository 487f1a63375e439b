"""What the API tells of the machine and of itself."""

from __future__ import annotations

from datetime import datetime

from backend.models.recipe import Frozen


class CpuStatus(Frozen):
    """Processor load."""

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
    """The first graphics card, memory in GiB and temperature in °C."""

    available: bool
    name: str | None
    memory_total_gb: float | None
    memory_used_gb: float | None
    usage_percent: float | None
    temperature: float | None


class DiskStatus(Frozen):
    """The disk that holds the data folder, in GiB."""

    path: str
    total_gb: float
    used_gb: float
    free_gb: float
    usage_percent: float


class SystemStatus(Frozen):
    """One sample of the machine's state."""

    cpu: CpuStatus
    memory: MemoryStatus
    gpu: GpuStatus | None
    disk: DiskStatus
    timestamp: datetime


class Health(Frozen):
    """The process is up and answers."""

    status: str = "healthy"
    service: str = "Z-Image API"


class Root(Frozen):
    """Where things are."""

    message: str = "Z-Image API"
    version: str
    docs: str = "/docs"
    health: str = "/health"
