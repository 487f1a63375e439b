"""The scale of factors that come without an alpha: 1, unless the file's remarks have PEFT's configuration.

diffusers writes it as JSON, below the name of the transformer where several models share a file: `lora_alpha`,
`use_rslora` (alpha / √rank, arXiv 2312.03732) and `alpha_pattern`, alphas of single modules by the end of their names.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from zimage.errors import LoraError

REMARK = "lora_adapter_metadata"
PREFIXES = ("transformer.", "")


@dataclass(frozen=True)
class Scaling:
    """What is known of alphas beside those that modules have.

    Attributes:
        alpha: of all modules; None where the scale is 1.
        by_root: whether the scale is alpha / √rank.
        of_modules: alphas of single modules, by the end of their names.
    """

    alpha: float | None = None
    by_root: bool = False
    of_modules: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, metadata: Mapping[str, str]) -> Scaling:
        """Reads a file's remarks.

        Raises:
            LoraError: there is a configuration, and it makes no sense.
        """
        if REMARK not in metadata:
            return cls()
        try:
            said = json.loads(metadata[REMARK])
        except (ValueError, RecursionError) as error:
            raise LoraError(f"its remark {REMARK} is no JSON") from error
        if not isinstance(said, dict):
            raise LoraError(f"its remark {REMARK} is a {type(said).__name__}, not an object")
        found = {key: _first(said, key) for key in ("lora_alpha", "use_rslora", "alpha_pattern")}
        pattern = found["alpha_pattern"] or {}
        if not isinstance(pattern, dict):
            raise LoraError(f"alpha_pattern in its remark {REMARK} is no object")
        alpha = found["lora_alpha"]
        return cls(
            None if alpha is None else _number(alpha),
            found["use_rslora"] is True,
            {str(name): _number(value) for name, value in pattern.items()},
        )

    def without_alpha(self, module: str, rank: int) -> float:
        """Returns the scale of a module that has no alpha of its own."""
        own = (value for name, value in self.of_modules.items() if module == name or module.endswith(f".{name}"))
        alpha = next(own, self.alpha)
        if alpha is None:
            return 1.0
        return alpha / (math.sqrt(rank) if self.by_root else rank)


def _first(said: Mapping[str, object], key: str) -> object:
    return next((said[prefix + key] for prefix in PREFIXES if prefix + key in said), None)


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise LoraError(f"an alpha in its remark {REMARK} must be a finite number, got {str(value)[:40]}")
    return float(value)
