"""Changes of an image's favourite and tags."""

from __future__ import annotations

from collections.abc import Iterable

from backend.models.gallery import MAX_TAGS
from backend.models.schemas import ImageRecord
from backend.utils.fold import fold


def with_favourite(record: ImageRecord, favourite: bool) -> ImageRecord:
    """Returns a record that is a favourite or not."""
    return record.model_copy(update={"favourite": favourite})


def with_tags(record: ImageRecord, tags: Iterable[str]) -> ImageRecord:
    """Returns a record with these tags, each once whatever its case."""
    unique: dict[str, str] = {}
    for tag in tags:
        unique.setdefault(fold(tag), tag)
    return record.model_copy(update={"tags": tuple(unique.values())})


def with_tag(record: ImageRecord, tag: str) -> ImageRecord:
    """Adds a tag; a record with the largest number of tags stays as it is."""
    more = with_tags(record, (*record.tags, tag))
    return record if len(more.tags) > MAX_TAGS else more


def without_tag(record: ImageRecord, tag: str) -> ImageRecord:
    """Removes a tag."""
    return with_tags(record, (own for own in record.tags if fold(own) != fold(tag)))
