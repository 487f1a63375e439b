"""Texts that files and answers can hold."""

from __future__ import annotations


def as_utf_8(text: str) -> str:
    r"""Spells out what UTF-8 has no bytes for: the name of a folder, of which an error tells, may be any bytes.

    `caf\udce9` becomes the nine characters that stand here.
    """
    return text.encode(errors="backslashreplace").decode()
