"""Formats of quantised matrices: which tensors they consist of, and the formula of their values.

A scheme decodes tensors by role (`weight`, `scale`, `scale_2`) to float32 and knows how rows of the matrix lie in them,
so that a packed q-k-v is split without being decoded. Formulas: comfy-kitchen's layouts, OCP Microscaling, ggml.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from gguf.constants import GGMLQuantizationType

from zimage.quant.blocks import BLOCK_TYPES, BlockType
from zimage.quant.layouts import TILE_ROWS, decode_e8m0, rotate_groups, unpack_fp4, untile

NVFP4_BLOCK, MXFP8_BLOCK = 16, 32
Parts = Mapping[str, Tensor]


class Rows(NamedTuple):
    """Rows [start, stop) of a matrix whose `weight` is stored in so many, padding included."""

    start: int
    stop: int
    total: int


class Scheme(Protocol):
    """A format of quantised matrices."""

    @property
    def name(self) -> str:
        """The field's name of the format."""

    @property
    def padded_to(self) -> int:
        """Rows and columns are padded to multiples of this; 1 where there is no padding."""

    def shape_of(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the shape of the matrix, padding included, whose `weight` has the shape `stored`."""

    def rows_of(self, role: str, shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:
        """Returns the rows of the tensor of a role that belong to rows of the matrix; None when they cannot be cut."""

    def decode(self, parts: Parts) -> Tensor:
        """Returns the matrix, padding included, in float32.

        Raises:
            ValueError: shapes do not fit each other, or a scale is not finite.
        """


def require_finite(scale: Tensor) -> Tensor:
    """Returns a scale in float32.

    Raises:
        ValueError: it is not finite.
    """
    scale = scale.float()
    if not bool(scale.isfinite().all()):
        raise ValueError("a scale is NaN or infinite")
    return scale


def spread(scale: Tensor, rows: int, columns: int) -> Tensor:
    """Returns a scale so that it can be multiplied with (rows, columns).

    It may be one for all, one a row ((rows,) or (rows, 1)), or one a block ((rows / g, columns / g)).

    Raises:
        ValueError: its shape is none of these.
    """
    scale = require_finite(scale)
    if scale.numel() == 1:
        return scale.reshape(())
    if scale.shape in ((rows,), (rows, 1)):
        return scale.reshape(rows, 1)
    if scale.dim() == 2 and scale.numel() and not (rows % scale.shape[0] or columns % scale.shape[1]):
        down, across = rows // scale.shape[0], columns // scale.shape[1]
        if down == across:
            return scale.repeat_interleave(down, 0).repeat_interleave(across, 1)
    raise ValueError(f"a scale of the shape {tuple(scale.shape)} does not fit {rows}×{columns} values")


@dataclass(frozen=True)
class Scaled:
    """Values times a scale: fp8 and int8, with one scale for all, one a row or one a block.

    Attributes:
        name: the field's name of the format.
        rotation: inputs were rotated in groups of this size before quantising; 0 if they were not.
    """

    name: str
    rotation: int = 0
    padded_to: int = 1

    def shape_of(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """Returns the stored shape: a value is an element."""
        return stored

    def rows_of(self, role: str, shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:
        """Returns the same rows; a single scale serves all of them, and those of blocks only the whole matrix."""
        if role == "weight" or shape in ((rows.total,), (rows.total, 1)):
            return rows.start, rows.stop
        return (0, shape[0] if shape else 1) if shape in ((), (1,), (1, 1)) else None

    def decode(self, parts: Parts) -> Tensor:
        """Returns weight · scale, rotated back."""
        weight = parts["weight"].float()
        weight *= spread(parts["scale"], *weight.shape)
        return rotate_groups(weight, self.rotation) if self.rotation else weight


@dataclass(frozen=True)
class Nvfp4:
    """Pairs of E2M1 values; an E4M3 scale for each 16 in a row, tiled, and one for all."""

    name: str = "nvfp4"
    padded_to: int = NVFP4_BLOCK

    def shape_of(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """Two values a byte."""
        return (*stored[:-1], 2 * stored[-1])

    def rows_of(self, role: str, shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:
        """Rows begin and end with tiles."""
        return _tiled_rows(role, shape, rows, "scale_2")

    def decode(self, parts: Parts) -> Tensor:
        """Returns value · block scale · scale."""
        values = unpack_fp4(parts["weight"])
        rows, columns = values.shape
        bits = parts["scale"]  # E4M3; some writers say that they are bytes
        scale = _blocks(require_finite(bits.view(torch.float8_e4m3fn)), rows, columns, NVFP4_BLOCK)
        return (values.view(rows, -1, NVFP4_BLOCK) * scale).view(rows, columns) * require_finite(
            parts["scale_2"]
        ).reshape(())


@dataclass(frozen=True)
class Mxfp8:
    """E4M3 values; a power of two for each 32 in a row, tiled."""

    name: str = "mxfp8"
    padded_to: int = MXFP8_BLOCK

    def shape_of(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """A value is an element."""
        return stored

    def rows_of(self, role: str, shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:
        """Rows begin and end with tiles."""
        return _tiled_rows(role, shape, rows, "")

    def decode(self, parts: Parts) -> Tensor:
        """Returns value · block scale."""
        values = parts["weight"].float()
        rows, columns = values.shape
        scale = _blocks(require_finite(decode_e8m0(parts["scale"])), rows, columns, MXFP8_BLOCK)
        return (values.view(rows, -1, MXFP8_BLOCK) * scale).view(rows, columns)


def _blocks(scale: Tensor, rows: int, columns: int, block: int) -> Tensor:
    """Returns tiled block scales as (rows, blocks, 1)."""
    blocks = columns // block
    if columns % block or scale.dim() != 2 or scale.shape[0] < rows or scale.shape[1] < blocks:
        raise ValueError(f"scales of the shape {tuple(scale.shape)} do not fit {rows}×{columns} values")
    return untile(scale, rows, blocks)[:, :, None]


def _tiled_rows(role: str, shape: tuple[int, ...], rows: Rows, single: str) -> tuple[int, int] | None:
    if role == single:
        return 0, shape[0] if shape else 1
    if rows.start % TILE_ROWS or rows.stop % TILE_ROWS or len(shape) != 2:
        return None
    whole = rows.total if role == "weight" else -(-rows.total // TILE_ROWS) * TILE_ROWS
    return (rows.start, rows.stop) if shape[0] == whole and rows.stop <= whole else None


@dataclass(frozen=True)
class Ggml:
    """Blocks of ggml: rows of bytes in which values lie with their scales.

    Attributes:
        number: the type's number in GGUF files.
    """

    number: int
    padded_to: int = 1

    @property
    def blocks(self) -> BlockType | None:
        """How the blocks are decoded by torch; None for types that only the `gguf` package decodes."""
        return BLOCK_TYPES.get(self.number)

    @property
    def name(self) -> str:
        """Name of the type, for example `Q4_K`."""
        return str(self._type().name)

    def shape_of(self, stored: tuple[int, ...]) -> tuple[int, ...]:
        """Bytes to values."""
        from gguf.constants import GGML_QUANT_SIZES

        values, size_bytes = GGML_QUANT_SIZES[self._type()]
        return (*stored[:-1], stored[-1] // size_bytes * values)

    def rows_of(self, role: str, shape: tuple[int, ...], rows: Rows) -> tuple[int, int] | None:  # noqa: ARG002
        """Rows are rows."""
        return rows.start, rows.stop

    def decode(self, parts: Parts) -> Tensor:
        """Returns the values of the blocks, as ggml defines them."""
        if (blocks := self.blocks) is not None:
            return blocks.decode(parts["weight"])
        from gguf.quants import dequantize

        with np.errstate(all="ignore"):  # whoever reads the values asks whether they are finite
            return torch.from_numpy(dequantize(parts["weight"].numpy(), self._type()))

    def _type(self) -> GGMLQuantizationType:
        from gguf.constants import GGMLQuantizationType

        return GGMLQuantizationType(self.number)
