"""Names of what is no Z-Image model, other families and what is put beside a model, by tensor names alone."""

from __future__ import annotations

import re
from collections.abc import Iterable

# In this order: a later mark may also be found in what an earlier one names. Key names: each project's own code.
MARKS = (
    (r"\.lora_(A|B|down|up)\.|\.(hada_w1_a|lokr_w1|lokr_w1_a|dora_scale)$", "a LoRA, no model by itself"),
    (r"^control_layers\.|^control_all_x_embedder\.", "a ControlNet for Z-Image, no model by itself"),
    (r"distilled_guidance_layer\.", "Chroma"),
    (r"double_stream_modulation_img\.", "FLUX.2"),
    (r"txt_in\.individual_token_refiner\.", "HunyuanVideo"),
    (r"double_blocks\.\d+\.img_attn\.", "FLUX.1"),
    (r"double_stream_blocks\.\d+\.", "HiDream-I1"),
    (r"joint_blocks\.\d+\.", "Stable Diffusion 3"),
    (r"transformer_blocks\.\d+\.(img_mlp|img_mod)\.", "Qwen-Image"),
    (r"label_emb\.0\.0\.weight$", "Stable Diffusion XL"),
    (r"input_blocks\.\d+\.", "Stable Diffusion 1 or 2"),
    (r"blocks\.\d+\.cross_attn\.(k|norm_k|k_img)\.", "Wan"),
    (r"encoder\.block\.\d+\.layer\.0\.SelfAttention\.", "a T5 text encoder"),
    (r"text_model\.encoder\.layers\.\d+\.", "a CLIP text encoder"),
)  # fmt: skip
LUMINA = "Lumina-Image 2"
PAD_TOKEN = "cap_pad_token"  # noqa: S105 - a tensor's name
REFINER = re.compile(r"context_refiner\.\d+\.")


def name_foreign(names: Iterable[str]) -> str | None:
    """Returns what tensors belong to, if that is known and no Z-Image model."""
    names = list(names)
    for mark, family in MARKS:
        if any(re.search(mark, name) for name in names):
            return family
    has_refiner = any(REFINER.search(name) for name in names)
    return LUMINA if has_refiner and not any(name.endswith(PAD_TOKEN) for name in names) else None
