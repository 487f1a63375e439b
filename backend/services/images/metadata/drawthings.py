"""Draw Things' JSON, in the XMP or the EXIF comment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed, size_fields
from backend.services.images.metadata.loras import Found, list_loras
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import Texts, xmp_items


def read(texts: Texts) -> ReadResult | None:
    """Reads the JSON, whose prompt is `c` and whose negative prompt is `uc`; None when there is none."""
    facts = next(
        (facts for facts in _objects(texts) if "c" in facts and {"uc", "sampler", "size"} & facts.keys()), None
    )
    if facts is None:
        return None
    return build_result("drawthings", {
        **renamed(facts, prompt="c", negative_prompt="uc", num_inference_steps="steps", seed="seed", shift="shift",
                  model="model"),
        **size_fields(facts.get("size")),
        "guidance_scale": guidance_of(facts.get("scale")),
        "loras": list_loras(_loras(facts.get("lora"))),
    })  # fmt: skip


def _objects(texts: Texts) -> Iterator[dict[str, Any]]:
    for text in (texts.get(COMMON_KEYWORD, ""), *xmp_items(texts)):
        if text.lstrip().startswith("{"):
            try:
                facts = json.loads(text)
            except ValueError:
                continue
            if isinstance(facts, dict):
                yield facts


def _loras(entries: Any) -> Iterator[Found]:
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict):
            yield entry.get("model"), entry.get("weight"), None
