"""Blocks of ggml, as GGUF files hold matrices: the formula of each type, in torch, on whatever device the bytes are.

A row is a run of blocks. A block holds codes of a few bits and what they are multiplied with: one half-precision
number, of the K types also scales of groups of codes. Sums and products are in float32 and in ggml's order, so that
values are its own to the last bit. https://github.com/ggml-org/ggml/blob/master/src/ggml-common.h
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

IQ4_VALUES = (-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113)
CACHED_VALUES = 2**19
"""Decoded at a time on a processor: what lies between the steps stays in the cache."""
PIECE_VALUES = 2**24
"""Decoded at a time elsewhere: bounds the memory beside the matrix."""

Formula = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class BlockType:
    """A type of blocks.

    Attributes:
        name: ggml's name.
        n_values: values of a block.
        size_bytes: bytes of a block.
        halves: where its half-precision numbers begin, which alone may be NaN or infinite.
        formula: maps blocks (n, size_bytes) in uint8 to their values (n, n_values) in float32.
    """

    name: str
    n_values: int
    size_bytes: int
    halves: tuple[int, ...]
    formula: Formula

    def columns(self, row_bytes: int) -> int:
        """Returns the number of values in a row."""
        return row_bytes // self.size_bytes * self.n_values

    def decode(self, data: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
        """Decodes rows (rows, row_bytes) in uint8 to (rows, columns), piece by piece.

        Args:
            data: the rows.
            dtype: of the result; values are rounded once.
        """
        blocks = data.reshape(-1, self.size_bytes)
        values = torch.empty(len(blocks), self.n_values, dtype=dtype, device=data.device)
        step = max(1, _piece_values(data.device) // self.n_values)
        if torch.compiler.is_compiling():  # whatever a compiler makes of it holds no pieces
            step = len(blocks)
        for start in range(0, len(blocks), step):
            values[start : start + step] = self.formula(blocks[start : start + step])
        return values.view(len(data), self.columns(data.shape[1]))

    def is_finite(self, data: Tensor) -> bool:
        """Whether all values of rows (rows, row_bytes) are numbers; nothing is decoded."""
        blocks = data.reshape(-1, self.size_bytes)
        return not any(bool(((blocks[:, at + 1] & 0x7C) == 0x7C).any()) for at in self.halves)


def _piece_values(device: torch.device) -> int:
    return CACHED_VALUES if device.type == "cpu" else PIECE_VALUES


def _codes(packed: Tensor, bits: int, group: int) -> Tensor:
    """Unpacks codes: (n, bytes) → (n, bytes · 8 / bits) in uint8.

    A byte holds several codes, the first in its lowest bits. The first codes of a group of bytes come before all second
    ones.
    """
    groups, mask = packed.reshape(len(packed), -1, group), 2**bits - 1
    parts = [(groups >> shift) & mask if shift + bits < 8 else groups >> shift for shift in range(0, 8, bits)]
    return torch.stack(parts, dim=2).view(len(packed), -1)


def _half(blocks: Tensor, at: int) -> Tensor:
    """Returns the half-precision number at a byte of each block, (n, 1) in float32."""
    return blocks[:, at : at + 2].contiguous().view(torch.float16).float()


def _grouped(codes: Tensor, scale: Tensor, least: Tensor | None = None) -> Tensor:
    """Returns codes (n, values) in float32 times scales (n, groups), less what is (n, groups) where that is given."""
    values = codes.view(*scale.shape, -1).mul_(scale[:, :, None])
    if least is not None:
        values -= least[:, :, None]
    return values.view(len(codes), -1)


def _q4_0(blocks: Tensor) -> Tensor:
    return _codes(blocks[:, 2:], 4, 16).float().sub_(8).mul_(_half(blocks, 0))


def _q4_1(blocks: Tensor) -> Tensor:
    return _codes(blocks[:, 4:], 4, 16).float().mul_(_half(blocks, 0)).add_(_half(blocks, 2))


def _five_bits(low: Tensor, high: Tensor) -> Tensor:
    """Joins four lower bits, in the order of a block of 32, with fifth bits in plain order: float32."""
    return (_codes(low, 4, 16) | (_codes(high, 1, 1) << 4)).float()


def _q5_0(blocks: Tensor) -> Tensor:
    return _five_bits(blocks[:, 6:], blocks[:, 2:6]).sub_(16).mul_(_half(blocks, 0))


def _q5_1(blocks: Tensor) -> Tensor:
    return _five_bits(blocks[:, 8:], blocks[:, 4:8]).mul_(_half(blocks, 0)).add_(_half(blocks, 2))


def _q8_0(blocks: Tensor) -> Tensor:
    return blocks[:, 2:].view(torch.int8).float().mul_(_half(blocks, 0))


def _q2_k(blocks: Tensor) -> Tensor:
    scales, d, d_least = blocks[:, :16], _half(blocks, 80), _half(blocks, 82)
    return _grouped(_codes(blocks[:, 16:80], 2, 32).float(), d * (scales & 15).float(), d_least * (scales >> 4).float())


def _q3_k(blocks: Tensor) -> Tensor:
    scales = _codes(blocks[:, 96:104], 4, 8) | (_codes(blocks[:, 104:108], 2, 4) << 4)
    codes = _codes(blocks[:, 32:96], 2, 32) | (_codes(blocks[:, :32], 1, 32) << 2)  # a missing third bit is minus four
    return _grouped(codes.float().sub_(4), _half(blocks, 108) * scales.float().sub_(32))


def _scales_k(packed: Tensor) -> tuple[Tensor, Tensor]:
    """Unpacks eight scales and eight minima of six bits: (n, 12) → 2 × (n, 8) in float32."""
    first, second, last = packed[:, :4], packed[:, 4:8], packed[:, 8:]
    scale = torch.cat([first & 63, (last & 15) | ((first >> 2) & 48)], dim=1)
    least = torch.cat([second & 63, (last >> 4) | ((second >> 2) & 48)], dim=1)
    return scale.float(), least.float()


def _q4_k(blocks: Tensor) -> Tensor:
    scale, least = _scales_k(blocks[:, 4:16])
    return _grouped(_codes(blocks[:, 16:], 4, 32).float(), _half(blocks, 0) * scale, _half(blocks, 2) * least)


def _q5_k(blocks: Tensor) -> Tensor:
    scale, least = _scales_k(blocks[:, 4:16])
    codes = _codes(blocks[:, 48:], 4, 32) | (_codes(blocks[:, 16:48], 1, 32) << 4)
    return _grouped(codes.float(), _half(blocks, 0) * scale, _half(blocks, 2) * least)


def _q6_k(blocks: Tensor) -> Tensor:
    codes = _codes(blocks[:, :128], 4, 64) | (_codes(blocks[:, 128:192], 2, 32) << 4)
    scale = blocks[:, 192:208].view(torch.int8).float()
    return _grouped(codes.float().sub_(32), _half(blocks, 208) * scale)


def _from_table(codes: Tensor) -> Tensor:
    table = torch.tensor(IQ4_VALUES, dtype=torch.float32, device=codes.device)
    return table.index_select(0, codes.view(-1).int()).view(codes.shape)


def _iq4_nl(blocks: Tensor) -> Tensor:
    return _from_table(_codes(blocks[:, 2:], 4, 16)).mul_(_half(blocks, 0))


def _iq4_xs(blocks: Tensor) -> Tensor:
    scales = _codes(blocks[:, 4:8], 4, 1) | (_codes(blocks[:, 2:4], 2, 1) << 4)
    return _grouped(_from_table(_codes(blocks[:, 8:], 4, 16)), _half(blocks, 0) * scales.float().sub_(32))


BLOCK_TYPES = {
    2: BlockType("Q4_0", 32, 18, (0,), _q4_0),
    3: BlockType("Q4_1", 32, 20, (0, 2), _q4_1),
    6: BlockType("Q5_0", 32, 22, (0,), _q5_0),
    7: BlockType("Q5_1", 32, 24, (0, 2), _q5_1),
    8: BlockType("Q8_0", 32, 34, (0,), _q8_0),
    10: BlockType("Q2_K", 256, 84, (80, 82), _q2_k),
    11: BlockType("Q3_K", 256, 110, (108,), _q3_k),
    12: BlockType("Q4_K", 256, 144, (0, 2), _q4_k),
    13: BlockType("Q5_K", 256, 176, (0, 2), _q5_k),
    14: BlockType("Q6_K", 256, 210, (208,), _q6_k),
    20: BlockType("IQ4_NL", 32, 18, (0,), _iq4_nl),
    23: BlockType("IQ4_XS", 256, 136, (0,), _iq4_xs),
}
"""Types that are decoded here, by their number in GGUF files."""
