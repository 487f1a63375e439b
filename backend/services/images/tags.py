"""Changes of a picture's record that a person makes."""

from __future__ import annotations

from collections.abc import Iterable

from backend.models.gallery import MAX_TAGS
from backend.models.schemas import ImageRecord


def with_favourite(record: ImageRecord, favourite: bool) -> ImageRecord:
    """Marks a picture as a favourite or not."""
    return record.model_copy(update={"favourite": favourite})


def with_tags(record: ImageRecord, tags: Iterable[str]) -> ImageRecord:
    """Gives a picture these tags, each once whatever its case."""
    unique: dict[str, str] = {}
    for tag in tags:
        unique.setdefault(tag.casefold(), tag)
    return record.model_copy(update={"tags": tuple(unique.values())})


def with_tag(record: ImageRecord, tag: str) -> ImageRecord:
    """Adds a tag; a picture that has as many as it may have stays as it is."""
    more = with_tags(record, (*record.tags, tag))
    return record if len(more.tags) > MAX_TAGS else more


def without_tag(record: ImageRecord, tag: str) -> ImageRecord:
    """Takes a tag away."""
    return with_tags(record, (own for own in record.tags if own.casefold() != tag.casefold()))
