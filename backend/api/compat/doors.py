"""All doors: one line each."""

from __future__ import annotations

from fastapi import FastAPI

from backend.api.compat.door import Door
from backend.api.deps import Services
from backend.models.config import Settings

DOORS: tuple[Door, ...] = ()
"""Every door on the port of the API."""


def open_doors(settings: Settings) -> tuple[Door, ...]:
    """Returns the doors that the settings open."""
    return tuple(door for door in DOORS if door.is_on(settings))


def install_doors(app: FastAPI, services: Services) -> None:
    """Adds the routes of the open doors; their guards are the API's own."""
    for door in open_doors(services.settings):
        app.include_router(door.router)
