"""InvokeAI's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed
from backend.services.images.metadata.loras import Found, list_loras
from backend.services.images.metadata.texts import Texts


def read(texts: Texts) -> ReadResult | None:
    """Reads the JSON of version 3 and later; None when there is none."""
    if "invokeai_metadata" not in texts:
        return None
    facts = json.loads(texts["invokeai_metadata"])
    model = facts.get("model")
    if isinstance(model, dict):
        model = model.get("name") or model.get("model_name")
    return build_result("invokeai", {
        **renamed(facts, prompt="positive_prompt", negative_prompt="negative_prompt", width="width", height="height",
                  num_inference_steps="steps", seed="seed"),
        "guidance_scale": guidance_of(facts.get("cfg_scale")),
        "model": model,
        "loras": list_loras(_loras(facts.get("loras"))),
    })  # fmt: skip


def _loras(entries: Any) -> Iterator[Found]:
    for entry in entries if isinstance(entries, list) else ():
        model = entry.get("model") or entry.get("lora") if isinstance(entry, dict) else None
        if not isinstance(model, dict):
            continue
        yield model.get("name") or model.get("model_name"), entry.get("weight"), None
