"""Lists and objects in the fields of a form, as the package `openai` writes them: `outpaint[left]`, `loras[][name]`.

It writes all values of a name together. So which object of a list a value is of can be told only where each has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Set

from backend.services.errors import InputRefused

Path = tuple[str, ...]
Pieces = Mapping[str, Mapping[Path, list[str]]]
"""Values of a field by what is in its brackets: `("", "name")` of `loras[][name]`."""

_BRACKETED = re.compile(r"(\w+)((?:\[\w*\])+)")


def split_fields(texts: Iterable[tuple[str, str]], names: Set[str]) -> tuple[dict[str, str], Pieces]:
    """Parts the fields that are whole from those of these names that come in pieces."""
    whole: dict[str, str] = {}
    pieces: dict[str, dict[Path, list[str]]] = {}
    for name, text in texts:
        found = _BRACKETED.fullmatch(name)
        if found is None or found[1] not in names:
            whole[name] = text
        else:
            path = tuple(re.findall(r"\[(\w*)\]", found[2]))
            pieces.setdefault(found[1], {}).setdefault(path, []).append(text)
    return whole, pieces


def join_pieces(pieces: Pieces) -> dict[str, object]:
    """Returns the lists and objects.

    Raises:
        InputRefused: Which value is of which object cannot be told.
    """
    return {name: _joined(name, values) for name, values in pieces.items()}


def _joined(name: str, values: Mapping[Path, list[str]]) -> object:
    if all(path[0] == "" for path in values):
        return _list_of(name, {path[1:]: texts for path, texts in values.items()})
    if any(len(texts) > 1 or "" in path for path, texts in values.items()):
        raise _unclear(name)
    return _object_of(name, {path: texts[0] for path, texts in values.items()})


def _list_of(name: str, values: Mapping[Path, list[str]]) -> list[object]:
    if list(values) == [()]:
        return list(values[()])
    lengths = {len(texts) for texts in values.values()}
    if len(lengths) > 1 or any("" in path for path in values) or () in values:
        raise _unclear(name)
    return [_object_of(name, {path: texts[at] for path, texts in values.items()}) for at in range(lengths.pop())]


def _object_of(name: str, values: Mapping[Path, str]) -> dict[str, object]:
    whole: dict[str, object] = {}
    for path, text in values.items():
        inner = whole
        for key in path[:-1]:
            deeper = inner.setdefault(key, {})
            if not isinstance(deeper, dict):
                raise _unclear(name)
            inner = deeper
        if path[-1] in inner:
            raise _unclear(name)
        inner[path[-1]] = text
    return whole


def _unclear(name: str) -> InputRefused:
    return InputRefused(name, f"Which values belong together cannot be told: send `{name}` as one field of JSON text.")
