"""All doors: one line each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from fastapi import FastAPI

from backend.api.compat.door import Door
from backend.api.compat.mcp.door import MCP
from backend.api.compat.openai.routes import OPENAI
from backend.api.deps import Services
from backend.models.capabilities import DoorAddress
from backend.models.config import Settings

DOORS: tuple[Door, ...] = (OPENAI, MCP)
"""Every door on the port of the API."""


def open_doors(settings: Settings) -> tuple[Door, ...]:
    """Returns the doors that the settings open."""
    return tuple(door for door in DOORS if door.is_on(settings))


def door_addresses(settings: Settings) -> list[DoorAddress]:
    """Returns what clients of the open doors are told."""
    own_ports = [DoorAddress(name="ollama", path="", port=settings.ollama)] if settings.ollama else []
    return [*(door.address for door in open_doors(settings)), *own_ports]


def install_doors(app: FastAPI, services: Services) -> None:
    """Adds the routes of the open doors; their guards are the API's own."""
    for door in open_doors(services.settings):
        app.include_router(door.router)


@asynccontextmanager
async def live_with_doors(app: FastAPI, settings: Settings) -> AsyncIterator[None]:
    """Begins what the open doors have beside their routes, and ends it."""
    async with AsyncExitStack() as stack:
        for door in open_doors(settings):
            if door.lifespan is not None:
                await stack.enter_async_context(door.lifespan(app))
        yield
