"""Qwen3 as a text encoder (arXiv 2505.09388): the layers whose output the transformer reads, and nothing after them.

Names of modules are those of the published weights.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.config import TextEncoderConfig
from zimage.layers import RMSNorm
from zimage.precision import Linear, activation_dtype, attend_in_half, set_products
from zimage.residency.stream import WeightStream


class Attention(nn.Module):
    """Causal self-attention with QK norm, rotary embedding and grouped keys and values.

    Attributes:
        in_half: whether it attends in float16; see `zimage.precision.set_products`.
    """

    in_half: bool = False

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.head_dim = config.head_dim
        queries, keys = (n * config.head_dim for n in (config.num_attention_heads, config.num_key_value_heads))
        self.q_proj = Linear(config.hidden_size, queries, bias=False)
        self.k_proj = Linear(config.hidden_size, keys, bias=False)
        self.v_proj = Linear(config.hidden_size, keys, bias=False)
        self.o_proj = Linear(queries, config.hidden_size, bias=False)
        self.q_norm = RMSNorm(config.head_dim, config.rms_norm_eps)
        self.k_norm = RMSNorm(config.head_dim, config.rms_norm_eps)

    def forward(self, x: Tensor, rope: Tensor) -> Tensor:
        """Maps (B, S, hidden) → (B, S, hidden); `rope` is that of `rotations`."""
        heads = (-1, self.head_dim)
        query = rotate_halves(self.q_norm(self.q_proj(x).unflatten(-1, heads)), rope).transpose(1, 2)
        key = rotate_halves(self.k_norm(self.k_proj(x).unflatten(-1, heads)), rope).transpose(1, 2)
        value = self.v_proj(x).unflatten(-1, heads).transpose(1, 2)
        group = query.shape[1] // key.shape[1]
        key, value = (part.repeat_interleave(group, dim=1) for part in (key, value))
        attended = attend_in_half(_attend, query, key, value, None) if self.in_half else _attend(query, key, value)
        out: Tensor = self.o_proj(attended.transpose(1, 2).flatten(-2))
        return out


def _attend(query: Tensor, key: Tensor, value: Tensor, _mask: Tensor | None = None) -> Tensor:
    """Attends causally: all (B, heads, S, head_dim)."""
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


class FeedForward(nn.Module):
    """SwiGLU feed-forward (arXiv 2002.05202)."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.gate_proj = Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps each token: (B, S, hidden) → (B, S, hidden)."""
        mapped: Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return mapped


class Layer(nn.Module):
    """Pre-norm transformer layer."""

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = FeedForward(config)
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)

    def forward(self, x: Tensor, rope: Tensor) -> Tensor:
        """Maps (B, S, hidden) → (B, S, hidden)."""
        x = x + self.self_attn(self.input_layernorm(x), rope)
        mapped: Tensor = self.mlp(self.post_attention_layernorm(x))
        return x + mapped


class Qwen3Encoder(nn.Module):
    """All layers but the last, without final norm and head: what goes into that layer are the features.

    Attributes:
        stream: what brings the weights of layers that are not on the device; None where all are. The table of tokens
            is then in the main memory.
    """

    def __init__(self, config: TextEncoderConfig) -> None:
        super().__init__()
        self.config = config
        # Not drawn, but empty: to draw normally on the meta device torch imports its whole compiler, for a second.
        size = config.vocab_size, config.hidden_size
        self.embed_tokens = nn.Embedding(*size, _weight=torch.empty(size))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers - 1))
        self._compute_dtype: torch.dtype | None = None
        self.stream: WeightStream | None = None

    @property
    def device(self) -> torch.device:
        """Device that computes."""
        first = next((layer for layer in self.layers if isinstance(layer, Layer)), None)
        return (self.embed_tokens if first is None else first.input_layernorm).weight.device

    def release(self) -> None:
        """Frees what was brought to the device; the next prompt brings it again."""
        if self.stream is not None:
            self.stream.release()

    def set_compute_dtype(self, dtype: torch.dtype | None) -> None:
        """Sets the dtype of products, see `zimage.precision`; None for that of the weights."""
        self._compute_dtype = dtype
        set_products(self, dtype or self.embed_tokens.weight.dtype)

    def forward(self, ids: Tensor) -> Tensor:
        """Encodes token ids, of any device: (B, S) → (B, S, hidden), in the dtype of activations."""
        x: Tensor = self.embed_tokens(ids.to(self.embed_tokens.weight.device)).to(self.device)
        x = x.to(activation_dtype(self._compute_dtype or x.dtype))
        rope = rotations(ids.shape[1], self.config.head_dim, self.config.rope_theta).to(x.device)
        for layer in self.layers if self.stream is None else self.stream.walk(self.layers):
            x = layer(x, rope)
        return x


def rotations(length: int, head_dim: int, theta: float) -> Tensor:
    """Returns cosines and sines of the positions, (length, head_dim / 2, 2) in float32."""
    frequencies = 1.0 / theta ** (torch.arange(0, head_dim, 2).float() / head_dim)
    angles = torch.arange(length).float()[:, None] * frequencies
    return torch.stack((angles.cos(), angles.sin()), dim=-1)


def rotate_halves(x: Tensor, rope: Tensor) -> Tensor:
    """Turns channels k and k + head_dim / 2 of (B, S, heads, head_dim), in float32."""
    cos, sin = rope[:, None].unbind(-1)
    first, second = x.float().chunk(2, dim=-1)
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1).type_as(x)
