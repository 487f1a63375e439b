"""Opaque identifiers."""

from __future__ import annotations

import uuid


def new_id() -> str:
    """Draws an identifier of 32 hexadecimal digits that cannot be guessed."""
    return uuid.uuid4().hex
