"""Quantisation of matrices by rows: the formats that layers compute with, and which matrices of a model take them.

Scales are symmetric, one a row: the largest magnitude of a row over the largest value of the format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor

from zimage.precision import PIECE_VALUES
from zimage.quant.layouts import rotate_groups

_LAYERS = r"to_[qkv]|to_out\.0|attention\.(qkv|out)|w[123]|[qkvo]_proj|(gate|up|down)_proj"
_MATRIX = re.compile(rf"\.({_LAYERS})\.weight$")


@dataclass(frozen=True)
class Format:
    """A format that layers compute with.

    Attributes:
        name: as users ask for it.
        dtype: of quantised values.
        limit: largest value.
        kept: dtypes of stored values that need not be quantised again.
    """

    name: str
    dtype: torch.dtype
    limit: float
    kept: tuple[torch.dtype, ...]


INT8 = Format("int8", torch.int8, 127.0, (torch.int8,))
FP8 = Format("fp8", torch.float8_e4m3fn, 448.0, (torch.float8_e4m3fn, torch.float8_e5m2))
FORMATS = {known.name: known for known in (INT8, FP8)}


@dataclass(frozen=True)
class Packed:
    """A quantised matrix in memory: values times scales.

    Attributes:
        weight: (rows, columns), int8 or float8.
        scale: (rows,) in float32.
        rotation: inputs were rotated in groups of this size before quantising; 0 if they were not.
    """

    weight: Tensor
    scale: Tensor
    rotation: int = 0

    def decode(self) -> Tensor:
        """Returns the values (rows, columns) in float32, rotated back."""
        values = self.weight.float() * self.scale[:, None]
        return rotate_groups(values, self.rotation) if self.rotation else values

    def to(self, device: torch.device | str) -> Packed:
        """Returns the same matrix on a device."""
        return Packed(self.weight.to(device), self.scale.to(device), self.rotation)


def is_quantizable(name: str) -> bool:
    """Whether a tensor, by its published name or that in a single file, is a matrix of an attention or feed-forward.

    Embedders, modulation, norms, pad tokens and the final layer are few values that the image depends on.
    """
    return _MATRIX.search(name) is not None


def quantize_rows(matrix: Tensor, format: Format) -> Packed:
    """Quantises (rows, columns) of any floating-point dtype, piece by piece.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    weight = torch.empty(matrix.shape, dtype=format.dtype, device=matrix.device)
    scale = torch.empty(matrix.shape[0], device=matrix.device)
    step = max(1, PIECE_VALUES // max(1, matrix.shape[1]))
    for start in range(0, matrix.shape[0], step):
        rows = slice(start, start + step)
        weight[rows], scale[rows] = quantize_values(matrix[rows], format)
    if not bool(scale.isfinite().all()):
        raise ValueError("values are NaN or infinite")
    return Packed(weight, scale)


def quantize_values(x: Tensor, format: Format) -> tuple[Tensor, Tensor]:
    """Returns quantised values (..., columns) and the scales (...) of their rows in float32."""
    scale = row_scales(x, format.limit)
    values = x / scale[..., None]
    return (values.round_() if format.dtype == torch.int8 else values).to(format.dtype), scale


def row_scales(x: Tensor, limit: float) -> Tensor:
    """Returns the scales (...) in float32 by which rows of (..., columns) reach `limit`; never 0."""
    return (x.abs().amax(-1).float() / limit).clamp_min(torch.finfo(torch.float32).tiny)
