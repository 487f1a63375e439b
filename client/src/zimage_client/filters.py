"""Which images of the history."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, TypedDict

from zimage_client.types import HistoryPage

_ON_THE_WIRE = {"since": "from", "until": "to"}


class HistoryFilters(TypedDict, total=False):
    """Filters of the history; what is left out, or None, filters nothing."""

    q: str | None
    """Words that the prompt or the tags must all have; a number may be the seed."""
    model: str | None
    favourite: bool | None
    tag: str | None
    min_side: int | None
    max_side: int | None
    made_from: str | None
    pixel_hash: str | None
    door: Literal["openai", "a1111", "ollama", "mcp"] | None
    """Protocol of another program that it was asked for by."""
    since: date | datetime | str | None
    until: date | datetime | str | None
    sort: Literal["newest", "oldest"] | None
    trash: bool | None
    page: int | None
    page_size: int | None
    after: str | None
    """`next_cursor` of the page before."""


FILTERS = HistoryFilters.__optional_keys__


def params_of(filters: HistoryFilters) -> dict[str, Any]:
    """Returns the parameters of the address.

    Raises:
        TypeError: There is no such filter.
    """
    if unknown := sorted(set(filters) - FILTERS):
        raise TypeError(f"no such filter: {', '.join(unknown)}; there are {', '.join(sorted(FILTERS))}")
    return {_ON_THE_WIRE.get(name, name): _text(value) for name, value in filters.items() if value is not None}


def next_params(filters: HistoryFilters, page: HistoryPage) -> dict[str, Any] | None:
    """Returns the parameters of the page behind another one; None behind the last one."""
    if page.next_cursor is None or not page.images:
        return None
    return {**params_of(filters), "after": page.next_cursor, "page": None}


def _text(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
