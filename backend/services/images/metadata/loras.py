"""LoRAs that programs say an image was made with: names without folders and endings, strengths, digests."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

from backend.models.recipe import MAX_LORA_STRENGTH, MAX_LORAS, MAX_NAME_CHARACTERS
from backend.services.generation.lora_tags import take_sound_tags

_ENDING = re.compile(r"\.(safetensors|sft|ckpt|pt|bin)$", re.IGNORECASE)
_HASH = re.compile(r"(?:0x)?([0-9a-f]{8,64})")
_NUMBERED = re.compile(r"lora_(?:name_)?(\d{1,3})")
_STRENGTHS = ("strength_{}", "model_weight_{}", "lora_wt_{}", "model_str_{}")

Found = tuple[Any, Any, Any]
"""Name, strength and digest, of any type; None for what is not said."""


def list_loras(found: Iterable[Found]) -> list[dict[str, Any]] | None:
    """Returns the fields of the LoRAs that can be used, each name once; None for none."""
    loras: dict[str, dict[str, Any]] = {}
    for name, strength, digest in found:
        stem = stem_of(name)
        number = _strength(strength)
        if stem is None or number is None:
            continue
        match = _HASH.fullmatch(digest.lower()) if isinstance(digest, str) else None
        loras.setdefault(
            stem, {"name": stem, "strength": number, **({} if match is None else {"short_hash": match[1]})}
        )
    return list(loras.values())[:MAX_LORAS] or None


def stem_of(name: Any) -> str | None:
    """Returns a file's name without folders and ending; None for what is no name."""
    if not isinstance(name, str) or name.strip().lower() in ("", "none"):
        return None
    stem = _ENDING.sub("", name.replace("\\", "/").rpartition("/")[2]).strip()
    return stem if stem.isprintable() and 0 < len(stem) <= MAX_NAME_CHARACTERS else None


def read_tagged(prompt: str, settings: Mapping[str, Any]) -> tuple[str, list[dict[str, Any]] | None]:
    """Reads the tags in a prompt and the digests among A1111's settings.

    Returns:
        The prompt without the tags, and the LoRAs; those that the settings alone name are among them. Of one that is
        named twice, the strengths are added.
    """
    words, tags = take_sound_tags(prompt)
    hashes, weights = parse_pairs(settings.get("Lora hashes")), parse_pairs(settings.get("Lora weights"))
    for key, value in _object(settings.get("Hashes")).items():
        if isinstance(key, str) and key.lower().startswith("lora:"):
            hashes.setdefault(key[len("lora:") :], value)
    tagged: dict[str, float] = {}
    for tag in tags:  # one that is named twice acts twice
        tagged[tag.name] = round(tagged.get(tag.name, 0.0) + tag.strength, 6)
    named: dict[str, float | None] = {**dict.fromkeys(hashes), **tagged}
    plain = {_without_marks(name): digest for name, digest in hashes.items()}
    if {_without_marks(name) for name in tagged} >= plain.keys():  # the settings name no other ones
        named = {**tagged}
    return words, list_loras(
        (name, tagged.get(name, weights.get(name, 1.0)), plain.get(_without_marks(name))) for name in named
    )


def parse_pairs(text: Any) -> dict[str, Any]:
    """Reads `name: value, name: value`; names may have commas and colons, and values have none."""
    if not isinstance(text, str):
        return {}
    pairs: dict[str, Any] = {}
    begun = ""
    for part in text.split(","):
        name, colon, value = part.rpartition(":")
        if not colon:
            begun += f"{part},"
            continue
        pairs[f"{begun}{name}".strip()] = value.strip()
        begun = ""
    return pairs


def read_node(inputs: Mapping[str, Any]) -> Iterable[Found]:
    """Yields the LoRAs that a node of ComfyUI loads: one, or those of a stack."""
    if isinstance(inputs.get("lora_name"), str):
        yield inputs["lora_name"], inputs.get("strength_model", inputs.get("strength", 1.0)), None
    for key, value in inputs.items():
        numbered = _NUMBERED.fullmatch(key)
        if isinstance(value, dict) and isinstance(value.get("lora"), str) and value.get("on", True) is True:
            yield value["lora"], value.get("strength", 1.0), None
        elif numbered is not None and isinstance(value, str):
            names = (pattern.format(numbered[1]) for pattern in _STRENGTHS)
            yield value, next((inputs[name] for name in names if name in inputs), 1.0), None


def _strength(value: Any) -> float | None:
    if isinstance(value, bool):
        return None
    try:
        number = float(1.0 if value is None else value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and abs(number) <= MAX_LORA_STRENGTH else None


def _without_marks(name: str) -> str:
    """Returns a name as A1111 writes it among its settings."""
    return name.replace(":", "").replace(",", "")


def _object(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}
