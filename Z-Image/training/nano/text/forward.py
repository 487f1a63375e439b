"""A batched forward of Qwen3 up to the layer that Z-Image reads: hidden_states[-2].

Captions are padded on the right; the encoder is causal, so pads change nothing before them.
Explicit attention, because the processor backend of scaled_dot_product_attention is slow on
short sequences.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, rms_norm, silu
from transformers import Qwen3Model

from training.nano.text.tokenizer import REGISTERS


def rotary(length: int, head_dim: int, theta: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines, each (length, head_dim), halves repeated as in Qwen."""
    frequencies = theta ** (-torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.arange(length).float()[:, None] * frequencies
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Applies rotary positions to (B, H, S, head_dim)."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat([-second, first], dim=-1) * sin


def encode_ids(model: Qwen3Model, ids: Tensor, layers: int | None = None) -> Tensor:
    """Features of padded token ids.

    Args:
        model: the text encoder.
        ids: (B, S), padded on the right with anything.
        layers: how many layers to run; all but the last, which Z-Image never reads, when missing.

    Returns:
        (B, S, hidden), equal to `hidden_states[-2]` at every real token.
    """
    config = model.config
    length = ids.shape[1]
    x = model.embed_tokens(ids)
    cos, sin = rotary(length, config.head_dim, config.rope_parameters["rope_theta"])
    mask = torch.full((length, length), float("-inf")).triu(1)
    for layer in model.layers[: config.num_hidden_layers - 1 if layers is None else layers]:
        x = x + _attend(layer.self_attn, _norm(layer.input_layernorm, x), cos, sin, mask)
        hidden = _norm(layer.post_attention_layernorm, x)
        mlp = layer.mlp
        gate, up = linear(hidden, torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight])).chunk(2, dim=-1)
        x = x + mlp.down_proj(silu(gate) * up)
    return x  # type: ignore[no-any-return]


def split_tokens(tokens: Tensor, lengths: Tensor, before: int = 0) -> tuple[Tensor, Tensor]:
    """The last tokens (B, before + 17, N), which are the registers, and all others in one row (…, N) of (B, S, N)."""
    first = (lengths - len(REGISTERS) - before)[:, None]
    index = first + torch.arange(before + len(REGISTERS))
    registers = tokens.gather(1, index[:, :, None].expand(-1, -1, tokens.shape[-1]))
    return registers, tokens[torch.arange(tokens.shape[1]) < first]


def _norm(norm: Any, x: Tensor) -> Tensor:
    return rms_norm(x.to(norm.weight.dtype), (x.shape[-1],), norm.weight, norm.variance_epsilon)


def _attend(attention: Any, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor) -> Tensor:
    batch, length, _ = x.shape
    parts = [getattr(attention, name).weight for name in ("q_proj", "k_proj", "v_proj")]
    qkv = linear(x, torch.cat(parts)).view(batch, length, 3, -1, attention.head_dim)
    query, key, value = (part.transpose(1, 2) for part in qkv.unbind(2))  # (B, H, S, head_dim)
    query = rotate(_norm(attention.q_norm, query), cos, sin)
    key = rotate(_norm(attention.k_norm, key), cos, sin)
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + mask
    output = (scores.softmax(dim=-1) @ value).transpose(1, 2).reshape(batch, length, -1)
    return attention.o_proj(output)  # type: ignore[no-any-return]
