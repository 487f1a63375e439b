"""The compute dtype, where it differs from the dtype of the weights.

A CPU without native bfloat16 products emulates them, many times slower than float32 ones. There the weights stay in
bfloat16 and take no more memory, while activations are float32. A layer casts its weight piece by piece as it is
multiplied, and keeps nothing of the cast. Precision is not reduced.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.errors import ConfigError

ComputeDtype = Literal["auto", "native", "float32"]
"""Compute dtype of bfloat16 weights on a CPU: chosen by a probe, that of the weights, or float32."""

PIECE_VALUES = 2**20
"""Of a weight, cast at a time: 4 MB stay in the cache. All of a Turbo matrix takes 16 times as long a value."""

_PROBE_TOKENS, _PROBE_WIDTH = 32, 512
_PROBE_ROUNDS = 3
_CLEARLY = 1.5  # float32 must be so much faster, so that a restart does not change the last bits of a seed's image


class Linear(nn.Linear):
    """Linear layer that computes in the dtype of its input, not of its weight."""

    def forward(self, input: Tensor) -> Tensor:
        """Maps (..., in_features) → (..., out_features)."""
        return linear(input, self.weight, self.bias)


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


def choose_compute_dtype(stored: torch.dtype, device: torch.device, requested: str) -> torch.dtype:
    """Returns the dtype to compute in.

    Args:
        stored: dtype of the weights.
        device: device of the weights.
        requested: one of `ComputeDtype`; it matters for bfloat16 weights on a CPU only.

    Raises:
        ConfigError: `requested` is none of `ComputeDtype`.
    """
    if requested not in get_args(ComputeDtype):
        raise ConfigError(f"compute_dtype must be one of {', '.join(get_args(ComputeDtype))}, got {requested!r}")
    if stored != torch.bfloat16 or device.type != "cpu" or requested == "native":
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
