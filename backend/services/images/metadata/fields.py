"""What a program says, field by field: a value that cannot be used costs that field only."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from backend.models.gallery import ReadParameters, ReadResult
from backend.models.recipe import MAX_SEED
from backend.models.schemas import Source

_SIZE = re.compile(r"(\d{1,6})\s*[x×,*]\s*(\d{1,6})")
_RANGES = {
    "width": (1, 10**6),
    "height": (1, 10**6),
    "num_inference_steps": (1, 10**6),
    "seed": (0, MAX_SEED),
    "guidance_scale": (0, math.inf),
    "shift": (0, math.inf),
}


def build_result(source: Source, facts: Mapping[str, Any]) -> ReadResult | None:
    """Returns what can be used of a program's facts; None when that is nothing.

    Args:
        source: The program.
        facts: Values by the names of `ReadParameters`, of any type; None for what it does not say.
    """
    known = {name: parsed for name, value in facts.items() if (parsed := _parse(name, value)) is not None}
    if not any(value != "" for value in known.values()):
        return None
    return ReadResult(source=source, parameters=ReadParameters.model_validate(known))


def _parse(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return None
    try:
        parsed = getattr(ReadParameters.model_validate({name: value}), name)
    except (ValidationError, AttributeError):
        return None
    low, high = _RANGES.get(name, (None, None))
    if low is not None and high is not None and (not low <= parsed <= high or math.isinf(parsed)):
        return None
    return parsed


def renamed(facts: Mapping[str, Any], **names: str) -> dict[str, Any]:
    """Returns the facts by our names: `ours="theirs"`."""
    return {ours: facts.get(theirs) for ours, theirs in names.items()}


def guidance_of(cfg_scale: Any) -> float | None:
    """Returns the guidance of a CFG scale, which counts from 1; of a list, one a step, that of the first step."""
    if isinstance(cfg_scale, list):
        cfg_scale = cfg_scale[0] if cfg_scale else None
    try:
        scale = float(cfg_scale)
    except (TypeError, ValueError):
        return None
    return max(0.0, scale - 1) if math.isfinite(scale) else None


def parse_size(text: Any) -> tuple[int, int] | None:
    """Reads width and height of `512x768`, `(512, 768)` and the like."""
    found = _SIZE.search(text) if isinstance(text, str) else None
    return (int(found[1]), int(found[2])) if found else None


def size_fields(text: Any) -> dict[str, Any]:
    """Returns width and height as fields; none where the text is no size."""
    size = parse_size(text)
    return {"width": size[0], "height": size[1]} if size else {}
