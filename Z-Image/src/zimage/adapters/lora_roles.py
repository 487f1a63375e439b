"""LoRAs that change how a model is sampled, guessed from a file's name and remarks, and the settings that they need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

NAMED_BY = ("ss_output_name", "modelspec.title", "name", "model_name")
"""Remarks in which trainers write the name."""


@dataclass(frozen=True)
class LoraPurpose:
    """What a file is for.

    Attributes:
        name: `distill-8`, `distill-4`, `distill-2`, `distillpatch`, `de-turbo` or `training-adapter`.
        note: what it does.
        steps: fewest and most forwards to use; a pipeline's `num_inference_steps` is one more.
        guidance: smallest and largest conventional scale of guidance, 1 for none; `guidance_scale` here is 1 less.
    """

    name: str
    note: str
    steps: tuple[int, int]
    guidance: tuple[float, float]


_NO_GUIDANCE = (1.0, 1.0)
_DISTILLED = "makes the base model draw in {} steps without guidance; its makers advise a strength of 0.7 to 0.8"
_DISTILL = re.compile(r"distill?\D*?(?P<first>[248])\W*steps?|(?P<second>[248])\W*steps?\W*(lora\W*)?distill?")
_PURPOSES = (
    (
        re.compile(r"distill?\W*patch"),
        LoraPurpose(
            "distillpatch", "gives 8 steps back to LoRAs that were trained on Turbo directly", (8, 8), _NO_GUIDANCE
        ),
    ),
    (
        re.compile(r"training\W*adapter"),
        LoraPurpose(
            "training-adapter",
            "undoes Turbo's distillation while a LoRA is trained; left out when drawing",
            (20, 30),
            (2.0, 3.0),
        ),
    ),
    (
        re.compile(r"de\W*(turbo|distill)"),
        LoraPurpose("de-turbo", "undoes Turbo's distillation: it then needs steps and guidance", (20, 30), (2.0, 3.0)),
    ),
)


def guess_purpose(stem: str, metadata: Mapping[str, str]) -> LoraPurpose | None:
    """Guesses what a file is for beside a style; None where nothing shows it.

    Args:
        stem: name of the file, without its ending.
        metadata: its remarks.
    """
    for name in (stem, *(metadata[key] for key in NAMED_BY if key in metadata)):
        plain = name[:200].lower().replace("_", "-")
        for mark, purpose in _PURPOSES:
            if mark.search(plain):
                return purpose
        found = _DISTILL.search(plain)
        if found is not None:
            steps = int(found["first"] or found["second"])
            return LoraPurpose(f"distill-{steps}", _DISTILLED.format(steps), (steps, steps), _NO_GUIDANCE)
    return None
