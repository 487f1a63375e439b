"""NovelAI's text chunks: the settings are JSON in the comment."""

from __future__ import annotations

import json

from backend.models.gallery import ReadResult
from backend.services.images.metadata.fields import build_result, guidance_of, renamed
from backend.services.images.metadata.texts import Texts


def read(texts: Texts) -> ReadResult | None:
    """Reads the chunks; None when NovelAI has not written them."""
    if texts.get("Software") != "NovelAI" or "Comment" not in texts:
        return None
    facts = json.loads(texts["Comment"])
    return build_result("novelai", {
        **renamed(facts, prompt="prompt", negative_prompt="uc", width="width", height="height",
                  num_inference_steps="steps", seed="seed"),
        "prompt": facts.get("prompt") or texts.get("Description"),
        "guidance_scale": guidance_of(facts.get("scale")),
        "model": texts.get("Source"),
    })  # fmt: skip
