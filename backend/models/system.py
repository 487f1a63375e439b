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

    code: Literal["device_failed", "device_given_up", "worker_ended", "cluster_lost", "no_workers"]
    message: str = Field(description="What is wrong, and what helps.")
    partial: bool = Field(default=False, description="Whether other workers still draw.")


class WorkerStatus(Frozen):
    """A worker: a card, or a processor, that draws one task at a time."""

    id: str
    node: str = Field(description="The machine that it is on.")
    device: str = Field(description="As torch names it there; empty while unknown.")
    card: str = Field(description="What the card is called; empty where there is none.")
    memory_gb: float | None = Field(description="Of the card, or of the machine where there is none, in GiB.")
    state: Literal["idle", "busy", "starting", "failed", "given_up", "refused"] = Field(
        description="`failed` comes back by itself; `given_up` and `refused` do not, and `note` says why."
    )
    drained: bool = Field(description="Whether it takes no more tasks.")
    model: str | None = Field(description="The model in its memory.")
    task_id: str | None = Field(description="The task that it runs, unless that is somebody else's.")
    note: str = Field(description="What is wrong, or what it lacks; empty when nothing is.")


class SystemStatus(Frozen):
    """Sample of the machine's state."""

    cpu: CpuStatus
    memory: MemoryStatus
    gpu: GpuStatus | None
    disk: DiskStatus
    timestamp: datetime
    workers: list[WorkerStatus] = Field(default=[], description="Who draws, a card each.")
    fault: Fault | None = Field(default=None, description="What `/health` complains about; null when nothing is wrong.")


class Health(Frozen):
    """Liveness of the process."""

    status: Literal["healthy", "degraded", "unhealthy"] = Field(
        default="healthy", description="`degraded`: some workers are out, others draw; the answer is a 200 still."
    )
    service: str = "Z-Image API"
    message: str | None = Field(default=None, description="What is wrong, and what helps; absent when it is healthy.")


class Root(Frozen):
    """Links to the documentation and the health check."""

    message: str = "Z-Image API"
    version: str
    docs: str = "/docs"
    health: str = "/health"
