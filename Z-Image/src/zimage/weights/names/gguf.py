"""Names of a language model's tensors in GGUF files, and the published ones."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

BLOCK = re.compile(r"blk\.(\d+)\.(\w+)\.")
IN_BLOCK = {
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
OUTSIDE = {"token_embd.": "embed_tokens.", "output_norm.": "norm.", "output.": "lm_head."}

T = TypeVar("T")


def is_language_model(names: Iterable[str]) -> bool:
    """Whether the names are those of a language model's GGUF file."""
    return any(BLOCK.match(name) for name in names)


def language_model_to_published(tensors: Mapping[str, T]) -> dict[str, T]:
    """Renames tensors of a language model; unknown names stay, and whoever loads them refuses them."""
    return {_published(name): tensor for name, tensor in tensors.items()}


def _published(name: str) -> str:
    block = BLOCK.match(name)
    if block is not None and block[2] in IN_BLOCK:
        return f"layers.{block[1]}.{IN_BLOCK[block[2]]}.{name[block.end() :]}"
    for own, published in OUTSIDE.items():
        if name.startswith(own):
            return published + name.removeprefix(own)
    return name
