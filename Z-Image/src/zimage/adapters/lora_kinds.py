"""Changes of a matrix as files hold them, and what each adds to the output of its layer.

    LoRA   ΔW = α/r · B·A                          (arXiv 2106.09685)
    LoHa   ΔW = α/r · (w1a·w1b) ∘ (w2a·w2b)        (arXiv 2108.06098)
    LoKr   ΔW = w1 ⊗ w2, times α/r if a factor is itself a product (arXiv 2309.14859)
    diff   ΔW as it is
    DoRA   ΔW' = m · (W + ΔW) / ‖W + ΔW‖ − W, by row of W (arXiv 2402.09353)

Strength multiplies what is added, of DoRA too, so that every kind is linear in it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor

TINY = torch.finfo(torch.float32).tiny


@runtime_checkable
class Delta(Protocol):
    """A change of a matrix (out_features, in_features)."""

    def rows(self, start: int, stop: int) -> Delta:
        """Returns the change of some rows."""

    def to(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """Returns the same change elsewhere."""

    def dense(self) -> Tensor:
        """Returns ΔW (out_features, in_features) in the dtype of its factors."""

    def add(self, y: Tensor, x: Tensor, strength: float) -> None:
        """Adds strength · x · ΔWᵀ to y.

        Args:
            y: (tokens, out_features).
            x: (tokens, in_features).
            strength: factor.
        """


@dataclass(frozen=True)
class LowRank:
    """LoRA: `up` (out, r) times `down` (r, in) times a scale."""

    down: Tensor
    up: Tensor
    scale: float

    def rows(self, start: int, stop: int) -> Delta:
        """Cuts `up`; of blocks along a diagonal only those that are in the rows stay."""
        up = self.up[start:stop]
        used = (up != 0).any(0)
        if bool(used.all()) or not bool(used.any()):
            return replace(self, up=up)
        return replace(self, up=up[:, used], down=self.down[used])

    def to(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """Moves both factors."""
        return LowRank(self.down.to(device, dtype), self.up.to(device, dtype), self.scale)

    def dense(self) -> Tensor:
        """Multiplies the factors."""
        return self.up @ self.down * self.scale

    def add(self, y: Tensor, x: Tensor, strength: float) -> None:
        """Goes by way of the rank."""
        y.addmm_(x @ self.down.t(), self.up.t(), alpha=strength * self.scale)


@dataclass(frozen=True)
class Hadamard:
    """LoHa: the elementwise product of two products. It is made anew for each use: that costs as 4 r more tokens."""

    first: LowRank
    second: LowRank
    scale: float

    def rows(self, start: int, stop: int) -> Delta:
        """Cuts the left factors."""
        first, second = (replace(one, up=one.up[start:stop]) for one in (self.first, self.second))
        return Hadamard(first, second, self.scale)

    def to(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """Moves all factors."""
        first, second = (
            LowRank(one.down.to(device, dtype), one.up.to(device, dtype), one.scale)
            for one in (self.first, self.second)
        )
        return Hadamard(first, second, self.scale)

    def dense(self) -> Tensor:
        """Multiplies the products."""
        return self.first.dense().mul_(self.second.dense()).mul_(self.scale)

    def add(self, y: Tensor, x: Tensor, strength: float) -> None:
        """Multiplies with the whole matrix."""
        y.addmm_(x, self.dense().t(), alpha=strength)


@dataclass(frozen=True)
class Kronecker:
    """LoKr: `left` (o1, i1) ⊗ `right` (o2, i2) times a scale."""

    left: Tensor
    right: Tensor
    scale: float

    def rows(self, start: int, stop: int) -> Delta:
        """Cuts `left` where the rows are whole blocks of `right`, else the whole matrix."""
        size = len(self.right)
        if start % size or stop % size:
            return Full(self.dense()[start:stop].clone())
        return replace(self, left=self.left[start // size : stop // size])

    def to(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """Moves both factors."""
        return Kronecker(self.left.to(device, dtype), self.right.to(device, dtype), self.scale)

    def dense(self) -> Tensor:
        """Multiplies the factors."""
        return torch.kron(self.left.contiguous(), self.right.contiguous()) * self.scale

    def add(self, y: Tensor, x: Tensor, strength: float) -> None:
        """Takes x as matrices (i1, i2): left · X · rightᵀ."""
        matrices = x.reshape(len(x), self.left.shape[1], self.right.shape[1])
        y.add_((self.left @ (matrices @ self.right.t())).flatten(1), alpha=strength * self.scale)


@dataclass(frozen=True)
class Full:
    """A whole matrix."""

    matrix: Tensor

    def rows(self, start: int, stop: int) -> Delta:
        """Cuts it."""
        return Full(self.matrix[start:stop])

    def to(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """Moves it."""
        return Full(self.matrix.to(device, dtype))

    def dense(self) -> Tensor:
        """Returns it."""
        return self.matrix

    def add(self, y: Tensor, x: Tensor, strength: float) -> None:
        """Multiplies with it."""
        y.addmm_(x, self.matrix.t(), alpha=strength)


@dataclass(frozen=True)
class Weighted:
    """DoRA by row, for one base weight: gain · (W + ΔW) − W.

    Attributes:
        delta: ΔW.
        gain: m / ‖W + ΔW‖ of each row, (out_features,).
    """

    delta: Delta
    gain: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> Weighted:
        """Moves both; the gain stays in float32."""
        return Weighted(self.delta.to(device, dtype), self.gain.to(device))

    def dense(self, base: Tensor) -> Tensor:
        """Returns the whole change, given W."""
        return self.gain[:, None] * (base + self.delta.dense()) - base

    def add(self, y: Tensor, x: Tensor, base: Tensor, strength: float) -> None:
        """Adds strength · x · ΔW'ᵀ to y, given x · Wᵀ (tokens, out_features) as `base`."""
        added = torch.zeros_like(base)
        self.delta.add(added, x, 1.0)
        added.mul_(self.gain.to(y.dtype)).add_(base * (self.gain - 1).to(y.dtype))
        y.add_(added, alpha=strength)


def weigh(delta: Delta, magnitude: Tensor, base: Tensor) -> Weighted | Full:
    """Returns what DoRA adds to a base weight.

    Args:
        delta: ΔW, in float32 on the device of the base weight.
        magnitude: m, one a row ((out,) or (out, 1)), or one a column (1, in), as older LyCORIS files have it.
        base: W in float32, (out, in).
    """
    changed = base + delta.dense()
    magnitude = magnitude.to(base)
    if magnitude.shape == (1, base.shape[1]) and len(base) != 1:
        norms = torch.linalg.vector_norm(changed, dim=0, keepdim=True)
        return Full(changed * (magnitude / norms.clamp_min(TINY)) - base)
    norms = torch.linalg.vector_norm(changed, dim=1)
    return Weighted(delta, magnitude.reshape(-1) / norms.clamp_min(TINY))
