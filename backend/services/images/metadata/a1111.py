"""A1111's text, which Forge, SD.Next, Civitai and others write, too: prompt, negative prompt, a line of settings."""

from __future__ import annotations

import json
import re
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, size_fields
from backend.services.images.metadata.loras import read_tagged
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import Texts

_SETTINGS_LINE = re.compile(r"^[ \t]*Steps:", re.MULTILINE)
_SETTINGS_INLINE = re.compile(r"(?<!\S)Steps:[ \t]*\d")
_NEGATIVE_LINE = re.compile(r"^Negative prompt:", re.MULTILINE)
_NEGATIVE_INLINE = re.compile(r"(?<!\S)Negative prompt:")
_KEY = re.compile(r"\s*(\w[\w /-]{0,63}):[ \t]*")
_OPENING = re.compile(r'["\[{]')
_JSON = json.JSONDecoder()


def read(texts: Texts) -> ReadResult | None:
    """Reads the text; None when it is none of A1111's."""
    text = texts.get(COMMON_KEYWORD, "").replace("\r\n", "\n").replace("\r", "\n").strip()
    lines, negatives = list(_SETTINGS_LINE.finditer(text)), _NEGATIVE_LINE
    if not lines:
        lines, negatives = list(_SETTINGS_INLINE.finditer(text)), _NEGATIVE_INLINE
    if not lines:
        return None
    start = lines[-1].start()
    words, settings = text[:start], text[start:]
    facts = parse_settings(settings if negatives is _NEGATIVE_INLINE else settings.partition("\n")[0])
    found = negatives.search(words)
    prompt, negative = (words[: found.start()], words[found.end() :]) if found else (words, "")
    prompt, loras = read_tagged(prompt.strip(), facts)
    return build_result("a1111", {
        "prompt": prompt, "loras": loras, "negative_prompt": negative.strip() or None, **size_fields(facts.get("Size")),
        "num_inference_steps": facts.get("Steps"), "seed": facts.get("Seed"),
        "guidance_scale": guidance_of(facts.get("CFG scale")), "shift": facts.get("Shift"), "model": facts.get("Model"),
    })  # fmt: skip


def parse_settings(line: str) -> dict[str, Any]:
    """Reads `Key: value, Key: value`; the first value of a key counts, quoted and JSON values may have commas.

    Takes time in proportion to the line: after a quote or bracket that does not close, none is looked for again.
    """
    facts: dict[str, Any] = {}
    at, quotes = 0, True
    while at < len(line):
        key = _KEY.match(line, at)
        if key is None:
            at = _after_comma(line, at)
            continue
        at = key.end()
        if quotes and _OPENING.match(line, at):
            try:
                value, at = _JSON.raw_decode(line, at)
            except (ValueError, RecursionError):
                quotes = False
            else:
                facts.setdefault(key[1].strip(), value)
                at = _after_comma(line, at)
                continue
        end = _after_comma(line, at)
        facts.setdefault(key[1].strip(), line[at:end].rstrip(",").strip())
        at = end
    return facts


def _after_comma(line: str, at: int) -> int:
    comma = line.find(",", at)
    return len(line) if comma < 0 else comma + 1
