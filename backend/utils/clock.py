"""The time of day, as one injectable function."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the present moment with its time zone."""
    return datetime.now(UTC)
