"""Fooocus' JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed, size_fields
from backend.services.images.metadata.loras import Found, list_loras
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import Texts


def read(texts: Texts) -> ReadResult | None:
    """Reads the JSON of its own scheme; None when there is none."""
    text = texts.get(COMMON_KEYWORD, "").lstrip()
    if not text.startswith("{"):
        return None
    facts = {str(key).lower().replace(" ", "_"): value for key, value in json.loads(text).items()}
    if "prompt" not in facts or not {"base_model", "resolution", "metadata_scheme"} & facts.keys():
        return None
    return build_result("fooocus", {
        **renamed(facts, prompt="prompt", negative_prompt="negative_prompt", num_inference_steps="steps", seed="seed",
                  model="base_model"),
        **size_fields(str(facts.get("resolution", ""))),
        "guidance_scale": guidance_of(facts.get("guidance_scale")),
        "loras": list_loras(_loras(facts.get("loras"))),
    })  # fmt: skip


def _loras(entries: Any) -> Iterator[Found]:
    """Yields lists of a name, a weight and, in newer versions, a digest."""
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, list) and entry:
            name, weight, digest, *_ = (*entry, None, None)
            yield name, weight, digest
