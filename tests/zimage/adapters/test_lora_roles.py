"""Files that change how a model is sampled, by the names that their makers gave them."""

from __future__ import annotations

import pytest
from zimage.adapters.lora_roles import guess_purpose


@pytest.mark.parametrize(
    ("stem", "name", "steps"),
    [
        ("Z-Image-Fun-Lora-Distill-8-Steps", "distill-8", (8, 8)),
        ("Z-Image-Fun-Lora-Distill-8-Steps-2603", "distill-8", (8, 8)),
        ("Z-Image-Fun-Lora-Distill-4-Steps-2602-ComfyUI", "distill-4", (4, 4)),
        ("z_image_fun_lora_distill_2_steps", "distill-2", (2, 2)),
        ("zimage 8step distill lora", "distill-8", (8, 8)),
        ("Z-Image-Turbo-DistillPatch", "distillpatch", (8, 8)),
        ("zimage_turbo_training_adapter_v2", "training-adapter", (20, 30)),
        ("Z-Image-De-Turbo-extracted", "de-turbo", (20, 30)),
    ],
)
def test_they_are_told_with_the_settings_that_they_need(stem, name, steps):
    for purpose in (guess_purpose(stem, {}), guess_purpose("model", {"ss_output_name": stem})):
        assert purpose is not None
        assert (purpose.name, purpose.steps) == (name, steps)
        assert purpose.guidance == ((2.0, 3.0) if steps == (20, 30) else (1.0, 1.0))


@pytest.mark.parametrize(
    "stem",
    ["pixel_art_style", "distillery_photos", "8-bit", "steps of stone", "deturbulence", "turbo training 8 steps", ""],
)
def test_others_are_not(stem):
    assert guess_purpose(stem, {"modelspec.title": "a style"}) is None
