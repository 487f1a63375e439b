"""SDNQ's matrices: integers in groups with scales and zero points, and a correction of low rank.

    weight = code · scale (+ zero_point) + svd_up · svd_down

The format is read from what is published of it; its program is under another licence and no part of this. What that
leaves open is decided in this file alone:

- A zero point is added after the scale, in the unit of the weights: the published formula.
- Of two 4-bit codes in a byte the first is in the lower half, and a code of int4 is 8 above its value. SDNQ says that
  it began as NNCF, whose `pack_uint4` and `pack_int4` do so. Codes of int4 that look otherwise are refused.
- Groups are along the inputs, in row-major order: the shape of the scale says how many there are in a row.
- An 8-bit matrix whose scale is (1, rows) lies with its inputs first, as products of integers want it. Were it
  otherwise, those matrices of a model that are not square would not fit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from zimage.quant.schemes import Parts, Rows, require_finite

PACKED = {"uint4": 0, "int4": 8}
"""What is subtracted from 4-bit codes, two to a byte."""
WHOLE = {"int8": torch.int8, "uint8": torch.uint8}
"""Dtypes that take a byte each."""
UNSIGNED = ("uint8", "uint4")
"""Dtypes that need a zero point."""

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Sdnq:
    """A matrix of SDNQ.

    Attributes:
        dtype: of the codes, one of `PACKED` and `WHOLE`.
        shape: rows and columns of the matrix.
        groups: number of groups in a row.
        is_transposed: whether the codes lie inputs first.
    """

    dtype: str
    shape: tuple[int, int]
    groups: int = 1
    is_transposed: bool = False
    padded_to: int = 1

    @classmethod
    def of_shapes(cls, dtype: str, weight: Shape, scale: Shape) -> Sdnq:
        """Infers the layout from the shapes of the stored tensors.

        Raises:
            ValueError: they contradict each other, or are of an unknown layout.
        """
        n_values = math.prod(weight) * (2 if dtype in PACKED else 1)
        if dtype in WHOLE and len(weight) == 2 and weight[0] > 1 and scale == (1, weight[1]):
            return cls(dtype, (weight[1], weight[0]), is_transposed=True)
        if len(scale) not in (2, 3) or (len(scale) == 3 and scale[2] != 1) or 0 in scale or not n_values:
            raise ValueError(f"a scale of the shape {scale} is neither (rows, groups) nor (rows, groups, 1)")
        rows, groups = scale[:2]
        if n_values % (rows * groups):
            raise ValueError(f"{n_values} codes cannot be divided into {rows} rows of {groups} groups")
        columns, size = n_values // rows, n_values // rows // groups
        if weight not in _layouts(dtype, rows, columns, groups):
            raise ValueError(f"codes of the shape {weight} are no {rows}×{columns} matrix in groups of {size}")
        return cls(dtype, (rows, columns), groups)

    @property
    def name(self) -> str:
        """Name of the format, for example `SDNQ uint4`."""
        return f"SDNQ {self.dtype}"

    @property
    def group_size(self) -> int:
        """Inputs of a group."""
        return self.shape[1] // self.groups

    def shape_of(self, stored: Shape) -> Shape:  # noqa: ARG002
        """Returns the shape of the matrix, which the codes alone do not tell."""
        return self.shape

    def rows_of(self, role: str, shape: Shape, rows: Rows) -> tuple[int, int] | None:  # noqa: ARG002
        """Returns None: the matrix is decoded before it is cut."""
        return None

    def decode(self, parts: Parts) -> Tensor:
        """Returns the matrix in float32.

        Raises:
            ValueError: shapes do not fit each other, a scale is not finite, or codes are not of this convention.
        """
        rows, columns = self.shape
        values = self._codes(parts["weight"]).view(rows, self.groups, self.group_size)
        values *= self._of_groups(parts["scale"], "scale")
        if "zero_point" in parts:
            values += self._of_groups(parts["zero_point"], "zero_point")
        values = values.view(rows, columns)
        if "svd_up" in parts:
            values.addmm_(*_low_rank(parts["svd_up"], parts["svd_down"], rows, columns))
        return values

    def _codes(self, weight: Tensor) -> Tensor:
        if self.dtype not in PACKED:
            return (weight.T if self.is_transposed else weight).to(torch.float32, copy=True).contiguous()
        flat = weight.flatten()
        codes = torch.stack((flat & 15, flat >> 4), dim=-1).float()
        if offset := PACKED[self.dtype]:
            _require_offset(codes, offset)
            codes -= offset
        return codes

    def _of_groups(self, part: Tensor, role: str) -> Tensor:
        if part.numel() != self.shape[0] * self.groups:
            raise ValueError(f"a {role} of the shape {tuple(part.shape)} does not fit {self.groups} groups a row")
        return require_finite(part).reshape(self.shape[0], self.groups, 1)


def _layouts(dtype: str, rows: int, columns: int, groups: int) -> tuple[Shape, ...]:
    """Returns the shapes that codes may be stored in, all in the same order."""
    size = columns // groups
    if dtype not in PACKED:
        return (rows, columns), (rows, groups, size)
    flat = rows * columns // 2
    shapes: tuple[Shape, ...] = ((flat,), (flat, 1))
    if size % 2 == 0:
        shapes += (rows, columns // 2), (rows, groups, size // 2), (rows * groups, size // 2)
    return shapes


def _low_rank(up: Tensor, down: Tensor, rows: int, columns: int) -> tuple[Tensor, Tensor]:
    if up.dim() != 2 or down.dim() != 2 or up.shape[0] != rows or down.shape != (up.shape[1], columns):
        found = f"svd_up {tuple(up.shape)} and svd_down {tuple(down.shape)}"
        raise ValueError(f"{found} do not give a {rows}×{columns} matrix")
    return require_finite(up), require_finite(down)


def _require_offset(codes: Tensor, offset: int) -> None:
    """Refuses two's complements: weights are more often near zero than far from it."""
    shifted = float((codes - offset).square().mean())
    complement = float(torch.where(codes < offset, codes, codes - 2 * offset).square().mean())
    if complement < shifted:
        raise ValueError("its 4-bit codes look like two's complements, an order of values that is not known here")
