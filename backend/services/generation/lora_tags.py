"""LoRAs that a prompt names as A1111's prompts do: `<lora:name:0.8>`. Pure functions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.models.recipe import MAX_LORA_STRENGTH, MAX_NAME_CHARACTERS

_TAG = re.compile(r"<(?:lora|lyco):([^<>]*)>", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_BLANKS = " \t"
_COMMAS = ",，、"
_HOW = "write <lora:name> or <lora:name:0.8>"
MAX_SHOWN_CHARACTERS = 60


@dataclass(frozen=True)
class LoraTag:
    """A LoRA that a prompt names."""

    name: str
    strength: float = 1.0


class TagFault(ValueError):
    """A tag that makes no sense; the message is a sentence."""


def take_tags(prompt: str) -> tuple[str, tuple[LoraTag, ...]]:
    """Takes the tags out of a prompt, each with the comma and the blank that it leaves alone.

    Returns:
        What the model reads, and the tags in their order. Without a tag the prompt is as it was.

    Raises:
        TagFault: one makes no sense.
    """
    return _take(prompt, is_strict=True)


def take_sound_tags(prompt: str) -> tuple[str, tuple[LoraTag, ...]]:
    """Does what `take_tags` does; a tag that makes no sense stays in the text."""
    return _take(prompt, is_strict=False)


def write_tag(name: str, strength: float) -> str:
    """Returns the tag of a LoRA."""
    return f"<lora:{name}:{strength:g}>"


def read_tag(content: str) -> LoraTag:
    """Reads what stands between `<lora:` and `>`: name, strength of text encoder and transformer, or one for both.

    Here a LoRA acts on the transformer alone. So one of the text encoder's is taken where it is the same, or 0.

    Raises:
        TagFault: it makes no sense.
    """
    shown = f"<lora:{content[:MAX_SHOWN_CHARACTERS]}>"
    name, *settings = (part.strip() for part in content.split(":"))
    if not name or len(name) > MAX_NAME_CHARACTERS:
        raise TagFault(f"{shown} names no LoRA: {_HOW}.")
    positional = [part for part in settings if "=" not in part]
    named = dict(part.split("=", 1) for part in settings if "=" in part)
    if len(positional) > 2 or not {key.strip() for key in named} <= {"te", "unet"}:
        raise TagFault(f"{shown} has settings that are not known here, which are te and unet: {_HOW}.")
    numbers = {key.strip(): _number(text, shown) for key, text in named.items()}
    places = [_number(text, shown) for text in positional]
    of_encoder = numbers.get("te", places[0] if places else 1.0)
    strength = numbers.get("unet", places[1] if len(places) > 1 else of_encoder)
    if of_encoder not in (strength, 0):
        raise TagFault(f"{shown} has two strengths, and a LoRA has one here, of the transformer: {_HOW}.")
    return LoraTag(name, strength)


def _number(text: str, shown: str) -> float:
    number = float(text) if _NUMBER.fullmatch(text := text.strip()) else None
    if number is None or abs(number) > MAX_LORA_STRENGTH:
        limit = f"{MAX_LORA_STRENGTH:g}"
        raise TagFault(f"{shown} needs a strength that is a number from -{limit} to {limit}: {_HOW}.")
    return number


def _take(prompt: str, *, is_strict: bool) -> tuple[str, tuple[LoraTag, ...]]:
    text, at = "", 0
    tags: list[LoraTag] = []
    for match in _TAG.finditer(prompt):
        try:
            tag = read_tag(match[1])
        except TagFault:
            if is_strict:
                raise
            continue
        text = _join(text, prompt[at : match.start()], is_first=not tags)
        tags.append(tag)
        at = match.end()
    if not tags:
        return prompt, ()
    text = _join(text, prompt[at:], is_first=False)
    return text.rstrip(), tuple(tags)


def _join(before: str, after: str, *, is_first: bool) -> str:
    """Puts together what stood around a tag."""
    if is_first:
        return after
    rest = after.lstrip(_BLANKS)
    kept = before.rstrip()
    if (not kept or kept[-1] in _COMMAS) and (not rest or rest[0] in _COMMAS):
        rest = rest[1:].lstrip(_BLANKS)  # what stood between two commas is gone
        return before + rest if rest else kept.rstrip(_COMMAS + _BLANKS)
    if rest and rest[0] in _COMMAS:
        return before.rstrip(_BLANKS) + rest
    if not before or before[-1].isspace() or not rest:
        return before + rest
    return before + after
