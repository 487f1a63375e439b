"""The machine, the process and where to find things."""

from __future__ import annotations

from fastapi import APIRouter

from backend import __version__
from backend.api.dependencies import Monitor
from backend.models.system import Health, Root, SystemStatus

root_router = APIRouter(tags=["system"])
router = APIRouter(prefix="/system", tags=["system"])


@root_router.get("/health")
async def get_health() -> Health:
    """Tells that the process is up; answered on the event loop, so it also tells that the loop is free."""
    return Health()


@root_router.get("/")
async def get_root() -> Root:
    """Tells where things are."""
    return Root(version=__version__)


@router.get("/status")
def get_status(monitor: Monitor) -> SystemStatus:
    """Returns the latest sample of processor, memory, graphics card and disk; `gpu` is null where there is none."""
    return monitor.status()
