"""Arrangements of quantised values: nibbles, tiles of block scales, and rotations of input groups."""

from __future__ import annotations

import torch
from torch import Tensor

TILE_ROWS, TILE_COLUMNS = 128, 4
FP4_VALUES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)  # OCP Microscaling, E2M1; the fourth bit is the sign
E8M0_BIAS, E8M0_NAN = 127, 255
HADAMARD_4 = ((1, 1, 1, -1), (1, 1, -1, 1), (1, -1, 1, 1), (-1, 1, 1, 1))


def unpack_fp4(packed: Tensor) -> Tensor:
    """Decodes pairs of E2M1 values, the first in the upper half of a byte: (rows, n) uint8 → (rows, 2 n) float32."""
    codes = torch.stack([packed >> 4, packed & 15], dim=-1).flatten(-2)
    table = torch.tensor([*FP4_VALUES, *(-value for value in FP4_VALUES)])
    return table[codes.long()]


def widen_e4m3(values: Tensor) -> Tensor:
    """Decodes E4M3 (…) to float32, NaN excepted, by moving its bits into those of a float16.

    The exponent's bias is 15 there instead of 7. Processors have no such instruction; torch takes 12 times as long.
    """
    bits = values.view(torch.int8).to(torch.int16).mul_(2**7).bitwise_and_(~0x4000)  # the sign came twice
    return bits.view(torch.float16).float().mul_(2.0**8)


def untile(scales: Tensor, rows: int, columns: int) -> Tensor:
    """Restores the plain order of block scales that are stored in tiles for tensor cores.

    A tile of 128 × 4 scales holds row r and column c at 16 (r mod 32) + 4 (r div 32) + c (cuBLAS, "1D block scaling
    factors layout").

    Args:
        scales: (rows, columns), each padded to whole tiles.
        rows: rows without padding.
        columns: columns without padding.
    """
    tiles = scales.reshape(scales.shape[0] // TILE_ROWS, scales.shape[1] // TILE_COLUMNS, 32, 4, TILE_COLUMNS)
    return tiles.permute(0, 3, 2, 1, 4).reshape(scales.shape)[:rows, :columns]


def decode_e8m0(exponents: Tensor) -> Tensor:
    """Decodes powers of two, uint8 → float32; 255 is NaN."""
    values = torch.exp2(exponents.double() - E8M0_BIAS).float()
    return torch.where(exponents == E8M0_NAN, torch.nan, values)


def hadamard(size: int) -> Tensor:
    """Returns the symmetric, orthogonal matrix of Kronecker powers of HADAMARD_4.

    Raises:
        ValueError: the size is no power of four.
    """
    four = torch.tensor(HADAMARD_4, dtype=torch.float32)
    matrix = torch.ones(1, 1)
    while len(matrix) < size:
        matrix = torch.kron(matrix, four)
    if len(matrix) != size:
        raise ValueError(f"a rotation of {size} inputs is not possible: it must be a power of four")
    scaled: Tensor = matrix * size**-0.5
    return scaled


def rotate_groups(weight: Tensor, size: int) -> Tensor:
    """Rotates each group of inputs of (rows, columns); a second time restores them.

    Raises:
        ValueError: the size is no power of four, or does not divide the columns.
    """
    rows, columns = weight.shape
    if columns % size:
        raise ValueError(f"groups of {size} inputs do not divide {columns}")
    return (weight.view(rows, -1, size) @ hadamard(size)).view(rows, columns)


def rotation_factors(size: int) -> tuple[Tensor, Tensor]:
    """Returns matrices L and R of about equal size with hadamard(size) = L ⊗ R.

    Raises:
        ValueError: the size is no power of four.
    """
    length = 1
    while length**2 < size // 4:
        length *= 4
    return hadamard(length), hadamard(size // length)


def rotate_inputs(x: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Rotates groups of inputs of tokens (M, columns), in their dtype.

    A group as a matrix X becomes L · X · R, a fraction of the products with L ⊗ R.

    Args:
        x: tokens.
        left: L of `rotation_factors`.
        right: R of `rotation_factors`.
    """
    groups = x.reshape(-1, len(left), len(right))
    return (left.to(x.dtype) @ (groups @ right.to(x.dtype))).view(x.shape)
