"""Rotary position embedding over three axes: time (or place in the caption), row and column.

A head's channels are shared out between the axes; channels 2k and 2k+1 form a complex number, which is turned by an
angle that grows with the position and falls with k. Nothing is tabulated: an image's rotations are computed once, in
float64 as in training, straight from its positions.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zimage.errors import ConfigError


def rotations(positions: Tensor, axes_dims: Sequence[int], axes_lens: Sequence[int], theta: float) -> Tensor:
    """Returns the rotations of tokens at the given positions.

    Args:
        positions: (..., 3), integers, on the CPU.
        axes_dims: channels of each axis; their sum is the width of a head.
        axes_lens: number of positions along each axis.
        theta: base of the frequencies.

    Returns:
        (..., sum(axes_dims) / 2, 2) in float32: cosines and sines.

    Raises:
        ConfigError: a position is outside of `axes_lens`.
    """
    _check_limits(positions, axes_lens)
    angles = [positions[..., axis, None].double() * axis_frequencies(dim, theta) for axis, dim in enumerate(axes_dims)]
    turned = torch.cat(angles, dim=-1).float()
    return torch.stack((turned.cos(), turned.sin()), dim=-1)


def axis_frequencies(dim: int, theta: float) -> Tensor:
    """Returns the rotary frequencies of an axis: (dim / 2,) in float64."""
    return 1.0 / theta ** (torch.arange(0, dim, 2, dtype=torch.float64) / dim)


def rotate(x: Tensor, rope: Tensor) -> Tensor:
    """Applies rotary embedding to queries or keys, in float32.

    Args:
        x: (B, S, heads, head_dim).
        rope: (B or 1, S, head_dim / 2, 2), see `rotations`.
    """
    rope = rope.unsqueeze(2)  # the same for every head
    if torch.compiler.is_compiling():  # the compiler fuses real arithmetic, and leaves complex numbers alone
        turned = _rotate_real(x.float(), rope)
    else:
        turns = torch.view_as_complex(rope)
        turned = torch.view_as_real(torch.view_as_complex(_in_pairs(x.float())) * turns).flatten(-2)
    return turned.type_as(x)


def _rotate_real(x: Tensor, rope: Tensor) -> Tensor:
    cos, sin = rope.unbind(-1)
    even, odd = _in_pairs(x).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


def _in_pairs(x: Tensor) -> Tensor:
    return x.reshape(*x.shape[:-1], -1, 2)


def _check_limits(positions: Tensor, axes_lens: Sequence[int]) -> None:
    largest = positions.flatten(0, -2).amax(0).tolist()
    if positions.min() < 0 or any(reached >= limit for reached, limit in zip(largest, axes_lens, strict=True)):
        raise ConfigError(
            f"positions reach {largest} along (caption and time, row, column); "
            f"the model knows those from 0 to {[limit - 1 for limit in axes_lens]}"
        )
