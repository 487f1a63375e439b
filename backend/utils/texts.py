"""Texts that files and answers can hold."""

from __future__ import annotations

from pathlib import Path


def as_utf_8(text: str | Path) -> str:
    r"""Spells out what UTF-8 has no bytes for: the name of a folder, of which an error tells, may be any bytes.

    `caf\udce9` becomes the nine characters that stand here.
    """
    return str(text).encode(errors="backslashreplace").decode()


def escaped(name: str) -> str:
    """Returns a name for a terminal: what cannot be printed, as its number."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in as_utf_8(name))


def is_plain(name: str) -> bool:
    """Tells whether a name is UTF-8 without control characters, so that a client can send it."""
    return name.isprintable() and as_utf_8(name) == name
