"""What LoRAs are called by, and which one a name means. Pure functions."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

CLOSE = 3
MAX_COMPARED_CHARACTERS = 64

_CALLS: tuple[Callable[[str], str], ...] = (
    lambda path: path.rpartition("/")[2].rpartition(".")[0],
    lambda path: path.rpartition(".")[0],
    lambda path: path,
)


class Named(Protocol):
    """A LoRA with all that it is called by."""

    @property
    def name(self) -> str:
        """What a request calls it."""

    @property
    def path_name(self) -> str:
        """Path below the folder that is searched."""

    @property
    def other_names(self) -> Iterable[str]:
        """What its file says that it is called, the surest first."""


Lora = TypeVar("Lora", bound=Named)


def name_all(paths: Sequence[str]) -> list[str]:
    """Returns what to call each: its stem, or more of its path where that is another's as well.

    Args:
        paths: below the folders that are searched, those of the folder that comes first before others.
    """
    levels = [[call(path) for path in paths] for call in _CALLS]
    counts = [Counter(name.casefold() for name in level) for level in levels]
    given: set[str] = set()
    names = []
    for calls in zip(*levels, strict=True):
        free = (
            name
            for name, count in zip(calls, counts, strict=True)
            if count[name.casefold()] == 1 and name.casefold() not in given
        )
        numbered = (f"{calls[1]} ({number})" for number in range(2, len(paths) + 2))
        name = next(free, None) or next(name for name in (calls[1], *numbered) if name.casefold() not in given)
        given.add(name.casefold())
        names.append(name)
    return names


def find_named(loras: Sequence[Lora], wanted: str) -> list[Lora]:
    """Returns those that a name means: by what a request calls them, else by path, else by stem."""
    for one in loras:
        if one.name == wanted:
            return [one]
    key = wanted.replace("\\", "/").casefold()
    rules: tuple[Callable[[Lora], bool], ...] = (
        lambda one: one.name.casefold() == key,
        lambda one: one.path_name.casefold() == key,
        lambda one: _stem(one.path_name) == _base(key),
        lambda one: _base(one.path_name) == _base(key),
    )
    return next((found for rule in rules if (found := [one for one in loras if rule(one)])), [])


def _base(path: str) -> str:
    return path.rpartition("/")[2].casefold()


def _stem(path: str) -> str:
    return _base(path).rpartition(".")[0]


def find_called(loras: Sequence[Lora], wanted: str) -> list[Lora]:
    """Returns those whose files say that they are called so."""
    key = wanted.casefold()
    return [one for one in loras if any(name.casefold() == key for name in one.other_names)]


def close_names(names: Sequence[str], wanted: str) -> list[str]:
    """Returns the names that are the most like another one, or the first where none is."""
    by_key = {name.casefold()[:MAX_COMPARED_CHARACTERS]: name for name in reversed(names)}
    key = wanted.casefold()[:MAX_COMPARED_CHARACTERS]
    close = [by_key[found] for found in difflib.get_close_matches(key, by_key, CLOSE, cutoff=0.5)]
    inside = [name for name in names if key in name.casefold()][:CLOSE]
    return list(dict.fromkeys([*close, *inside]))[:CLOSE] or list(names[:CLOSE])
