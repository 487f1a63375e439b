"""SwarmUI's JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed
from backend.services.images.metadata.loras import Found, list_loras, stem_of
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import Texts


def read(texts: Texts) -> ReadResult | None:
    """Reads the JSON; None when there is none of SwarmUI's."""
    text = texts.get(COMMON_KEYWORD, "").lstrip()
    if not text.startswith("{"):
        return None
    content = json.loads(text)
    facts = content.get("sui_image_params")
    if not isinstance(facts, dict):
        return None
    return build_result("swarmui", {
        **renamed(facts, prompt="prompt", negative_prompt="negativeprompt", width="width", height="height",
                  num_inference_steps="steps", seed="seed", model="model"),
        "guidance_scale": guidance_of(facts.get("cfgscale")),
        "loras": list_loras(_loras(facts, content.get("sui_models"))),
    })  # fmt: skip


def _loras(facts: dict[str, Any], models: Any) -> Iterator[Found]:
    names = _items(facts.get("loras"))
    weights = _items(facts.get("loraweights"))[: len(names)]
    hashes = {
        stem_of(model.get("name")): model.get("hash")
        for model in (models if isinstance(models, list) else ())
        if isinstance(model, dict) and model.get("param") == "loras"
    }
    for name, weight in zip_longest(names, weights):
        yield name, weight, hashes.get(stem_of(name))


def _items(value: Any) -> list[Any]:
    return value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
