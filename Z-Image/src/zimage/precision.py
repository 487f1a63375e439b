"""The compute dtype, where it differs from the dtype of the weights.

A CPU without native bfloat16 products emulates them, many times slower than float32 ones. There the weights stay in
bfloat16 and take no more memory, while activations are float32. A layer casts its weight piece by piece as it is
multiplied, and keeps nothing of the cast. Precision is not reduced.

float16 ends at 65504, and activations of this family reach a million. There only the products are float16: activations
stay in float32, and what is multiplied is scaled by a power of two, which is undone in float32. Nothing is clamped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.errors import ConfigError
from zimage.utils.attention import Attend

ComputeDtype = Literal["auto", "native", "float32"]
"""Compute dtype of half-precision weights on a CPU: chosen by a probe, that of the weights, or float32."""

HALVES = (torch.bfloat16, torch.float16)

PIECE_VALUES = 2**20
"""Of a weight, cast at a time: 4 MB stay in the cache. All of a Turbo matrix takes 16 times as long a value."""

HALF_NORM = 16.0
"""Bound of a row that is multiplied in float16. By Cauchy and Schwarz no sum exceeds it times the norm of a row of the
weight, which may thus be 4000; it is about 2. Values are rounded as usual down to a millionth of the bound."""
_SMALLEST = 2.0**-100  # of norms: the scale of a row of zeros is finite

_PROBE_TOKENS, _PROBE_WIDTH = 32, 512
_PROBE_ROUNDS = 3
_CLEARLY = 1.5  # float32 must be so much faster, so that a restart does not change the last bits of a seed's image


Side = Callable[[Tensor, Tensor], Tensor]
"""(input of a layer, its output) → what it gives instead; see `zimage.adapters.lora_layers`."""


class Linear(nn.Linear):
    """Linear layer that computes in the dtype of its input, not of its weight.

    Attributes:
        in_half: whether it multiplies in float16 and takes and gives float32; see `set_products`.
        side: what is added beside it; None for nothing.
    """

    in_half: bool = False
    side: Side | None = None

    def forward(self, input: Tensor) -> Tensor:
        """Maps (..., in_features) → (..., out_features)."""
        output = (linear_in_half if self.in_half else linear)(input, self.weight, self.bias)
        return output if self.side is None else self.side(input, output)


def set_products(model: nn.Module, dtype: torch.dtype | None) -> None:
    """Sets whether the layers of a model multiply, and its attentions attend, in float16."""
    for module in model.modules():
        if hasattr(module, "in_half"):
            module.in_half = dtype == torch.float16  # type: ignore[assignment]


def activation_dtype(compute_dtype: torch.dtype) -> torch.dtype:
    """Returns the dtype of tokens and activations: that of the products, and float32 for float16."""
    return torch.float32 if compute_dtype == torch.float16 else compute_dtype


def linear(
    x: Tensor, weight: Tensor, bias: Tensor | None = None, widen: Callable[[Tensor], Tensor] | None = None
) -> Tensor:
    """Returns x · weightᵀ + bias in the dtype of x.

    Args:
        x: (..., in_features).
        weight: (out_features, in_features).
        bias: (out_features,).
        widen: decodes pieces of a weight that `to` decodes slowly.
    """
    if weight.dtype == x.dtype:
        return F.linear(x, weight, bias)
    pieces: Iterable[Tensor] = torch.split(weight, max(1, PIECE_VALUES // weight.shape[1]))
    if widen is not None:
        pieces = map(widen, pieces)
    mapped = torch.cat([F.linear(x, piece.to(x.dtype)) for piece in pieces], dim=-1)
    return mapped if bias is None else mapped + bias.to(x.dtype)


def linear_in_half(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Returns x · weightᵀ + bias in float32, multiplied in float16.

    Each row of x is scaled by a power of two to a norm of at most `HALF_NORM`, whatever its size.

    Args:
        x: (..., in_features) in float32.
        weight: (out_features, in_features).
        bias: (out_features,).
    """
    norm = torch.linalg.vector_norm(x, dim=-1, keepdim=True)  # (..., 1)
    scale = _power_of_two(norm)
    product = F.linear((x * scale).half(), weight.half()).float() / scale
    return product if bias is None else product + bias.float()


def attend_in_half(attend: Attend, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
    """Attends in float16 to values of any size.

    Mixing is linear in the values, so that those of an item are scaled together. Queries and keys are normed.

    Args:
        attend: the kernel.
        query: (B, S, heads, head_dim) in float32, as are key and value; or whatever else the kernel takes, batch first.
        key: the same.
        value: the same.
        mask: passed to the kernel.

    Returns:
        Mixed values in float32, of the shape that `attend` gives.
    """
    scale = _power_of_two(value.abs().amax(dim=(1, 2, 3), keepdim=True))
    return attend(query.half(), key.half(), (value * scale).half(), mask).float() / scale


def _power_of_two(size: Tensor) -> Tensor:
    """Returns the largest power of two that scales sizes to at most `HALF_NORM`."""
    return torch.exp2(torch.floor(torch.log2(HALF_NORM / size.clamp_min(_SMALLEST))))


def choose_compute_dtype(stored: torch.dtype, device: torch.device, requested: str) -> torch.dtype:
    """Returns the dtype to compute in.

    Args:
        stored: dtype of the weights.
        device: device of the weights.
        requested: one of `ComputeDtype`; it matters for bfloat16 and float16 weights on a CPU only.

    Returns:
        The dtype of products; see `activation_dtype` for that of what lies between them.

    Raises:
        ConfigError: `requested` is none of `ComputeDtype`.
    """
    if requested not in get_args(ComputeDtype):
        raise ConfigError(f"compute_dtype must be one of {', '.join(get_args(ComputeDtype))}, got {requested!r}")
    if stored not in HALVES or device.type != "cpu" or requested == "native":
        return stored
    return torch.float32 if requested == "float32" or _is_emulated(stored) else stored


@torch.inference_mode()
def _is_emulated(stored: torch.dtype) -> bool:
    """Whether matrix products in `stored` are clearly slower than casting and multiplying in float32."""
    x, weight = torch.ones(_PROBE_TOKENS, _PROBE_WIDTH), torch.ones(_PROBE_WIDTH, _PROBE_WIDTH, dtype=stored)
    typed = x.to(stored)
    return quickest_s(lambda: F.linear(typed, weight)) > _CLEARLY * quickest_s(lambda: linear(x, weight))


def quickest_s(work: Callable[[], object], rounds: int = _PROBE_ROUNDS) -> float:
    """Returns the shortest of a few durations of some work in seconds."""
    took_s: list[float] = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        took_s.append(time.perf_counter() - started)
    return min(took_s)
