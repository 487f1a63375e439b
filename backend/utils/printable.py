"""Texts that any file or client can take."""

from __future__ import annotations

from pathlib import Path


def printable(text: str | Path) -> str:
    """Returns a name or path with the bytes escaped that are not UTF-8; Linux allows any."""
    return str(text).encode("utf-8", "backslashreplace").decode("utf-8")


def is_printable(name: str) -> bool:
    """Tells whether a name is UTF-8 without control characters, so that a client can send it."""
    return name.isprintable() and printable(name) == name
