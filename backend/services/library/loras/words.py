"""What makers and other programs say of a LoRA, in its header and in files beside it: words, never trusted.

Everything is optional, of any type and any length. What cannot be used is left out; nothing that is named is fetched.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from backend.models.recipe import MAX_LORA_STRENGTH

MAX_JSON_BYTES = 2 * 2**20
MAX_WORDS, MAX_WORD_CHARACTERS = 20, 200
MAX_TITLE_CHARACTERS = 200
MAX_TEXT_CHARACTERS = 2000
TOP_TAGS = 10
THUMBNAIL = "modelspec.thumbnail"
_MARKUP = re.compile(r"<[^<>]{0,500}>")
_BASES = (("turbo", "z-image-turbo"), ("nano", "zimage-nano"), ("base", "z-image"))

Said = Mapping[str, Any]


@dataclass(frozen=True)
class Words:
    """What is said of a LoRA.

    Attributes:
        output_name: what its trainer called the file.
        base: model that it was trained on; the id of one of ours where that is meant.
        triggers: words for the prompt, the surest first.
        strength: that is advised; likewise the negative prompt.
        has_thumbnail: whether its header holds a picture.
    """

    title: str | None = None
    output_name: str | None = None
    base: str | None = None
    triggers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    usage_hint: str | None = None
    strength: float | None = None
    negative_prompt: str | None = None
    has_thumbnail: bool = False


def read_words(metadata: Mapping[str, str], a1111: Said, civitai: Said, note: str) -> Words:
    """Puts together what is said.

    Args:
        metadata: remarks in the header.
        a1111: content of `name.json`.
        civitai: content of `name.civitai.info`.
        note: content of `name.txt`.
    """
    model = _object(civitai.get("model"))
    top_tags = _top_tags(metadata.get("ss_tag_frequency", ""))
    triggers = [
        *_parts(a1111.get("activation text")),
        *(word for said in _list(civitai.get("trainedWords")) for word in _parts(said)),
        *_parts(metadata.get("modelspec.trigger_phrase")),
    ]
    return Words(
        title=_first(MAX_TITLE_CHARACTERS, metadata.get("modelspec.title"), model.get("name"), civitai.get("name")),
        output_name=_first(MAX_TITLE_CHARACTERS, metadata.get("ss_output_name")),
        base=_base(
            civitai.get("baseModel"), metadata.get("modelspec.architecture"), metadata.get("ss_base_model_version")
        ),
        triggers=_words(triggers or top_tags),
        tags=_words((*_parts(metadata.get("modelspec.tags")), *_list(model.get("tags")), *top_tags)),
        description=_first(
            MAX_TEXT_CHARACTERS,
            *(a1111.get("description"), metadata.get("modelspec.description"), civitai.get("description"), note),
        ),
        usage_hint=_first(MAX_TEXT_CHARACTERS, metadata.get("modelspec.usage_hint"), a1111.get("notes")),
        strength=_strength(a1111.get("preferred weight")),
        negative_prompt=_first(MAX_TEXT_CHARACTERS, a1111.get("negative text")),
        has_thumbnail=metadata.get(THUMBNAIL, "").startswith("data:image/"),
    )


def read_object(text: bytes | str) -> Said:
    """Returns the JSON object of a text; an empty one where there is none, or one that is too large."""
    if len(text) > MAX_JSON_BYTES:
        return {}
    try:
        return _object(orjson.loads(text.removeprefix(b"\xef\xbb\xbf") if isinstance(text, bytes) else text))
    except ValueError:  # of JSON that is nested too deeply as well
        return {}


def clean(value: object, limit: int) -> str | None:
    """Returns a text of printable characters on one line, without markup; None for what is none."""
    if not isinstance(value, str):
        return None
    plain = html.unescape(_MARKUP.sub(" ", value[: 4 * limit]))
    plain = "".join(character if character.isprintable() else " " for character in plain)
    return " ".join(plain.split())[:limit] or None


def _object(value: object) -> Said:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[object]:
    return value[: 4 * MAX_WORDS] if isinstance(value, list) else []


def _first(limit: int, *values: object) -> str | None:
    return next((text for value in values if (text := clean(value, limit)) is not None), None)


def _parts(value: object) -> Iterator[str]:
    """Yields what commas part."""
    if isinstance(value, str):
        yield from value[:MAX_TEXT_CHARACTERS].split(",")


def _words(values: Iterable[object]) -> tuple[str, ...]:
    """Returns words, each once whatever its case."""
    found: dict[str, str] = {}
    for value in values:
        if (word := clean(value, MAX_WORD_CHARACTERS)) is not None:
            found.setdefault(word.casefold(), word)
    return tuple(found.values())[:MAX_WORDS]


def _top_tags(text: str) -> list[str]:
    """Returns the commonest tags of the pictures that a trainer has counted, by folder."""
    counts: Counter[str] = Counter()
    for tags in read_object(text).values():
        for tag, count in _object(tags).items():
            if isinstance(count, int) and 0 < count < 2**31:
                counts[tag.strip()] += count
    return [tag for tag, _ in counts.most_common(TOP_TAGS)]


def _base(*values: object) -> str | None:
    """Returns the id of one of our models where a text means one, else the first text."""
    said = [text for value in values if (text := clean(value, MAX_TITLE_CHARACTERS)) is not None]
    ours = (base for text in said if (base := _our_model(text)) is not None)
    return next(ours, next(iter(said), None))


def _our_model(text: str) -> str | None:
    plain = re.sub(r"[^a-z0-9]", "", text.lower())
    return next((base for mark, base in _BASES if mark in plain), None) if "zimage" in plain else None


def _strength(value: object) -> float | None:
    """Returns an advised strength; other programs write 0 for none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 < abs(value) <= MAX_LORA_STRENGTH else None
