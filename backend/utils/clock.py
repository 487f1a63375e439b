"""Current time, as an injectable function."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Returns the current time in UTC."""
    return datetime.now(UTC)
