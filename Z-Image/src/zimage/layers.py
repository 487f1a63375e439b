"""The layers of S3-DiT, bottom up.

Two identities keep the blocks short. The weight of a norm and the modulation that follows it are both factors, so they
are multiplied once per step (`Block.modulation`) instead of at every token. And a block without modulation is one
whose factors are the weights alone, so that the refiner of the caption needs no other code than the rest.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.precision import Linear, attend_in_half
from zimage.rope import rotate
from zimage.utils.attention import Attend, attend

MODULATION_DIM = 256
TIME_FREQUENCIES = 256
TIME_HIDDEN = 1024
TIME_MAX_PERIOD = 10_000.0
QK_NORM_EPS = 1e-5
FINAL_NORM_EPS = 1e-6


class Modulation(NamedTuple):
    """Scales and gates of one block, norm weights included; (B or 1, S or 1, dim) each."""

    scale_attention: Tensor
    gate_attention: Tensor
    scale_feed_forward: Tensor
    gate_feed_forward: Tensor


class RMSNorm(nn.Module):
    """Root mean square norm (arXiv 1910.07467)."""

    def __init__(self, dim: int, eps: float) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x: Tensor) -> Tensor:
        """Normalises the last axis."""
        return scaled_rms(x, self.weight, self.eps)


def scaled_rms(x: Tensor, scale: Tensor, eps: float) -> Tensor:
    """RMS norm over the last axis, computed in float32, times `scale`."""
    on_processor = x.device.type == "cpu" and x.dtype == torch.float32
    if not on_processor or torch.compiler.is_compiling() or torch.is_grad_enabled():
        return F.rms_norm(x, x.shape[-1:], None, eps) * scale
    # There rms_norm is a chain of operations; this one makes a single temporary as large as x.
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    inverse = norm.square_().div_(x.shape[-1]).add_(eps).rsqrt_()
    return torch.mul(x, inverse).mul_(scale)


class Attention(nn.Module):
    """Bidirectional self-attention with QK norm and rotary embedding.

    Attributes:
        in_half: whether it attends in float16; see `zimage.precision.set_products`.
    """

    in_half: bool = False

    def __init__(self, dim: int, n_heads: int, *, qk_norm: bool) -> None:
        super().__init__()
        self.head_dim = dim // n_heads
        self.to_q = Linear(dim, dim, bias=False)
        self.to_k = Linear(dim, dim, bias=False)
        self.to_v = Linear(dim, dim, bias=False)
        self.to_out = nn.ModuleList([Linear(dim, dim, bias=False)])
        self.norm_q = RMSNorm(self.head_dim, QK_NORM_EPS) if qk_norm else nn.Identity()
        self.norm_k = RMSNorm(self.head_dim, QK_NORM_EPS) if qk_norm else nn.Identity()
        self.attend: Attend = attend

    def forward(self, x: Tensor, rope: Tensor, mask: Tensor | None, n_out: int) -> Tensor:
        """Attends from the first `n_out` tokens to all: (B, S, dim) → (B, n_out, dim).

        Args:
            x: (B, S, dim).
            rope: (B or 1, S, head_dim / 2, 2), see `zimage.rope`.
            mask: (B, S), False on padding of a ragged batch; None without padding.
            n_out: number of queries.
        """
        heads = (-1, self.head_dim)
        query = rotate(self.norm_q(self.to_q(x[:, :n_out]).unflatten(-1, heads)), rope[:, :n_out])  # (B, ·, heads, ·)
        key = rotate(self.norm_k(self.to_k(x).unflatten(-1, heads)), rope)
        value = self.to_v(x).unflatten(-1, heads)
        attended = (
            attend_in_half(self.attend, query, key, value, mask)
            if self.in_half
            else self.attend(query, key, value, mask)
        )
        mixed: Tensor = self.to_out[0](attended.flatten(-2))
        return mixed


class FeedForward(nn.Module):
    """SwiGLU feed-forward (arXiv 2002.05202)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        hidden = int(dim / 3 * 8)
        self.w1 = Linear(dim, hidden, bias=False)
        self.w2 = Linear(hidden, dim, bias=False)
        self.w3 = Linear(dim, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Maps each token: (B, S, dim) → (B, S, dim)."""
        gated: Tensor = self.w2(F.silu(self.w1(x)) * self.w3(x))
        return gated


class Block(nn.Module):
    """Transformer block: attention and feed-forward, each scaled, normed and gated."""

    def __init__(self, dim: int, n_heads: int, norm_eps: float, *, qk_norm: bool, modulated: bool) -> None:
        super().__init__()
        self.attention = Attention(dim, n_heads, qk_norm=qk_norm)
        self.feed_forward = FeedForward(dim)
        self.attention_norm1 = RMSNorm(dim, norm_eps)
        self.attention_norm2 = RMSNorm(dim, norm_eps)
        self.ffn_norm1 = RMSNorm(dim, norm_eps)
        self.ffn_norm2 = RMSNorm(dim, norm_eps)
        self.norm_eps = norm_eps
        if modulated:
            self.adaLN_modulation = nn.Sequential(Linear(modulation_dim(dim), 4 * dim))

    def modulation(self, condition: Tensor | None = None) -> Modulation:
        """Returns scales and gates of the block.

        Args:
            condition: (..., modulation_dim), the embedded time; None for a block without modulation.
        """
        norms = (self.attention_norm1, self.attention_norm2, self.ffn_norm1, self.ffn_norm2)
        if condition is None:
            return Modulation(*(norm.weight.clone().view(1, 1, -1) for norm in norms))  # like the others: no parameters
        scale_attention, gate_attention, scale_mlp, gate_mlp = self.adaLN_modulation(condition).chunk(4, dim=-1)
        factors = (1 + scale_attention, gate_attention.tanh(), 1 + scale_mlp, gate_mlp.tanh())
        return Modulation(*(factor * norm.weight for factor, norm in zip(factors, norms, strict=True)))

    def forward(self, x: Tensor, modulation: Modulation, rope: Tensor, mask: Tensor | None, n_out: int) -> Tensor:
        """Maps tokens (B, S, dim) → (B, n_out, dim); only the first `n_out` are computed."""
        eps = self.norm_eps
        mixed = self.attention(scaled_rms(x, modulation.scale_attention, eps), rope, mask, n_out)
        gate_attention, scale_feed_forward, gate_feed_forward = (factor[:, :n_out] for factor in modulation[1:])
        x = x[:, :n_out] + scaled_rms(mixed, gate_attention, eps)
        mapped = self.feed_forward(scaled_rms(x, scale_feed_forward, eps))
        return x + scaled_rms(mapped, gate_feed_forward, eps)


class TimestepEmbedder(nn.Module):
    """Sinusoidal time embedding and an MLP."""

    def __init__(self, out_dim: int) -> None:
        super().__init__()
        self.mlp = nn.Sequential(Linear(TIME_FREQUENCIES, TIME_HIDDEN), nn.SiLU(), Linear(TIME_HIDDEN, out_dim))

    def forward(self, t: Tensor, dtype: torch.dtype) -> Tensor:
        """Embeds scaled times: (B,) → (B, out_dim), computed in `dtype`."""
        embedded: Tensor = self.mlp(sinusoids(t, TIME_FREQUENCIES).to(dtype))
        return embedded


def sinusoids(t: Tensor, dim: int) -> Tensor:
    """Sinusoidal embedding, cosines first: (B,) → (B, dim) in float32."""
    half = dim // 2
    exponents = torch.arange(half, dtype=torch.float32, device=t.device) / half
    angles = t.float()[:, None] * torch.exp(-math.log(TIME_MAX_PERIOD) * exponents)
    return torch.cat((angles.cos(), angles.sin()), dim=-1)


class FinalLayer(nn.Module):
    """Output projection: tokens to patch features."""

    def __init__(self, dim: int, out_dim: int) -> None:
        super().__init__()
        self.norm_final = nn.LayerNorm(dim, eps=FINAL_NORM_EPS, elementwise_affine=False)
        self.linear = Linear(dim, out_dim)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), Linear(modulation_dim(dim), dim))

    def scale(self, condition: Tensor) -> Tensor:
        """Returns the scale of the normed tokens from the embedded time (..., modulation_dim)."""
        scale: Tensor = 1 + self.adaLN_modulation(condition)
        return scale

    def forward(self, x: Tensor, scale: Tensor) -> Tensor:
        """Maps tokens: (B, S, dim) → (B, S, out_dim)."""
        features: Tensor = self.linear(self.norm_final(x) * scale)
        return features


def modulation_dim(dim: int) -> int:
    """Returns the width of the time embedding, at most the width of the model."""
    return min(dim, MODULATION_DIM)
