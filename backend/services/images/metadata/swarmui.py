"""SwarmUI's JSON."""

from __future__ import annotations

import json

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed
from backend.services.images.metadata.own import COMMON_KEYWORD
from backend.services.images.metadata.texts import Texts


def read(texts: Texts) -> ReadResult | None:
    """Reads the JSON; None when there is none of SwarmUI's."""
    text = texts.get(COMMON_KEYWORD, "").lstrip()
    if not text.startswith("{"):
        return None
    facts = json.loads(text).get("sui_image_params")
    if not isinstance(facts, dict):
        return None
    return build_result("swarmui", {
        **renamed(facts, prompt="prompt", negative_prompt="negativeprompt", width="width", height="height",
                  num_inference_steps="steps", seed="seed", model="model"),
        "guidance_scale": guidance_of(facts.get("cfgscale")),
    })  # fmt: skip
