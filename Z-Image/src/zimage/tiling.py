"""Images that are too large for memory, in overlapping tiles.

Where tiles overlap, each counts more the farther a place is from its edge, so that no seam can be seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Tiles:
    """Tile size.

    Attributes:
        side: side of a tile, in latents.
        overlap: overlap of neighbouring tiles, in latents.
    """

    side: int = 128
    overlap: int = 32

    def __post_init__(self) -> None:
        """Validates the overlap."""
        if not 0 <= self.overlap <= self.side // 2 or self.side < 1:
            raise ValueError(f"tiles of {self.side} cannot overlap by {self.overlap}; at most half of a tile")

    def starts(self, length: int) -> list[int]:
        """Returns the start of each tile along a side; the last tile ends with it."""
        last = max(length - self.side, 0)
        return [*range(0, last, self.side - self.overlap), last]


def map_tiles(
    function: Callable[[Tensor], Tensor], x: Tensor, tiles: Tiles | None, *, in_step: int, out_step: int
) -> Tensor:
    """Applies a function to a tensor, tile by tile, and blends the results.

    Args:
        function: (B, C, in_step · h, in_step · w) → (B, D, out_step · h, out_step · w).
        x: (B, C, in_step · h, in_step · w).
        tiles: in units of h and w; None for no tiling.
        in_step: input values per unit of h and w.
        out_step: output values per unit of h and w.
    """
    height, width = (side // in_step for side in x.shape[-2:])
    if tiles is None or max(height, width) <= tiles.side:
        return function(x)
    total: Tensor | None = None
    weights = torch.zeros(1, 1, height * out_step, width * out_step, device=x.device)
    for top in tiles.starts(height):
        for left in tiles.starts(width):
            tile = function(_window(x, top, left, tiles.side, in_step))
            weight = _ramp(tile, tiles.overlap * out_step)
            if total is None:
                total = x.new_zeros((*tile.shape[:2], *weights.shape[2:]), dtype=torch.float32)
            _window(total, top, left, tiles.side, out_step).add_(tile * weight)
            _window(weights, top, left, tiles.side, out_step).add_(weight)
    if total is None:
        raise ValueError(f"nothing to cut into tiles: {tuple(x.shape)}")
    return (total / weights).to(x.dtype)


def _window(x: Tensor, top: int, left: int, side: int, step: int) -> Tensor:
    return x[..., top * step : (top + side) * step, left * step : (left + side) * step]


def _ramp(tile: Tensor, overlap: int) -> Tensor:
    """Returns weights (1, 1, H, W) that rise from each edge over the overlap; positive everywhere."""
    edges = []
    for length in tile.shape[-2:]:
        from_edge = torch.arange(length, device=tile.device).float() + 0.5
        distance = torch.minimum(from_edge, from_edge.flip(0))
        edges.append((distance / max(overlap, 1)).clamp(max=1.0))
    return (edges[0][:, None] * edges[1])[None, None]
