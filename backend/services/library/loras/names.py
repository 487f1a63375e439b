"""What LoRAs are called by, and which one a name means. Pure functions."""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

CLOSE = 3
MAX_COMPARED_CHARACTERS = 64


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
    """Returns what to call each: its path without the ending, or with it where two files differ in that alone.

    So no file is called otherwise because another one of its stem comes or goes. Where several folders have the very
    same path, the first has the name, and the others a number after it.

    Args:
        paths: below the folders that are searched, those of the folder that comes first before others.
    """
    levels = [[path.rpartition(".")[0] for path in paths], list(paths)]
    counts = [Counter(level) for level in levels]
    given: set[str] = set()
    names = []
    for calls in zip(*levels, strict=True):
        free = (name for name, count in zip(calls, counts, strict=True) if count[name] == 1 and name not in given)
        numbered = (f"{calls[0]} ({number})" for number in range(2, len(paths) + 2))
        name = next(free, None) or next(name for name in (calls[0], *numbered) if name not in given)
        given.add(name)
        names.append(name)
    return names


def find_named(loras: Sequence[Lora], wanted: str) -> list[Lora]:
    """Returns those that a name means: by what a request calls them, else by path, else by stem.

    What is written in the very same case counts before what another case only is like.
    """
    for one in loras:
        if one.name == wanted:
            return [one]
    path = wanted.replace("\\", "/")
    key, base = path.casefold(), _base(path)
    rules: tuple[Callable[[Lora], bool], ...] = (
        lambda one: path in (one.name, one.path_name),
        lambda one: stem_of(one.path_name) == path,
        lambda one: one.name.casefold() == key,
        lambda one: one.path_name.casefold() == key,
        lambda one: stem_of(one.path_name) == base,
        lambda one: stem_of(one.path_name).casefold() == base.casefold(),
        lambda one: _base(one.path_name).casefold() == base.casefold(),
    )
    return next((found for rule in rules if (found := [one for one in loras if rule(one)])), [])


def find_of_stem(loras: Sequence[Lora], wanted: str) -> Lora | None:
    """Returns one with the stem of a path, in whatever folder and case."""
    key = _fold(stem_of(wanted))
    return next((one for one in loras if _fold(stem_of(one.path_name)) == key), None)


def stem_of(path: str) -> str:
    """Returns the name of a file without folders and ending."""
    return _base(path).rpartition(".")[0]


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def find_called(loras: Sequence[Lora], wanted: str) -> list[Lora]:
    """Returns those whose files say that they are called so."""
    key = wanted.casefold()
    return [one for one in loras if any(name.casefold() == key for name in one.other_names)]


def close_names(names: Sequence[str], wanted: str) -> list[str]:
    """Returns the names that are the most like another one; none where none is near."""
    by_key = {name.casefold()[:MAX_COMPARED_CHARACTERS]: name for name in reversed(names)}
    key = wanted.casefold()[:MAX_COMPARED_CHARACTERS]
    close = [by_key[found] for found in difflib.get_close_matches(key, by_key, CLOSE, cutoff=0.6)]
    inside = [name for name in names if key in name.casefold()][:CLOSE]
    return list(dict.fromkeys([*close, *inside]))[:CLOSE]
