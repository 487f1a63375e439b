"""Codes: what the text encoder has to know about every thing, in a few hundred numbers.

A thing's code holds the principal components of its latents, full size and half size side by
side. Which part of which thing a cell of the grid shows is its role: one of the sixteen
parts of a full-size thing, one of the four parts of a half-size thing, or nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from training.nano.dataset.latents import LatentCache, as_cells, neutral_targets
from training.nano.dataset.scenes import CELLS, LAYOUTS, Scene

CODE = 216
HALF_WEIGHT = 1.0
FULL_ROLES = CELLS * CELLS
HALF_ROLES = 4
EMPTY_ROLE = FULL_ROLES + HALF_ROLES
ROLES = EMPTY_ROLE + 1
NOTHING, LEFT, RIGHT = 0, 1, 2
NO_ITEM = -1


@dataclass(frozen=True)
class Codes:
    """The codes and the cells that they stand for.

    Attributes:
        codes: (items, CODE), scaled to unit variance all together.
        cells: (items, colours and NATURAL, roles without the empty one, 256), latents of every part on the
            background that stands behind it where none is named, float16.
        empty: (backgrounds, 256), latents of a cell that shows nothing.
    """

    codes: Tensor
    cells: Tensor
    empty: Tensor

    def wanted(self, scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
        """Code (B, 16, CODE), role (B, 16) and latents (B, 16, 256) of every cell."""
        roles = torch.stack([PLANS[scene.count - 1][:, 1] for scene in scenes])
        items, colours = self.items(scenes), self.colours(scenes)
        shown = (items != NO_ITEM)[:, :, None]
        items = items.clamp(min=0)
        parts = self.cells[items, colours.clamp(min=0), roles.clamp(max=EMPTY_ROLE - 1)].float()
        empty = self.empty[torch.tensor([scene.colour_behind for scene in scenes])][:, None]
        return self.codes[items] * shown, roles, torch.where(shown, parts, empty)

    def items(self, scenes: Sequence[Scene]) -> Tensor:
        """The thing that every cell shows, (B, 16), or NO_ITEM."""
        return _of_cells(scenes, [(scene.left, scene.right) for scene in scenes])

    def colours(self, scenes: Sequence[Scene]) -> Tensor:
        """The colour that it is given, (B, 16), or NO_ITEM."""
        return _of_cells(scenes, [scene.colours for scene in scenes])


def _of_cells(scenes: Sequence[Scene], sides: Sequence[tuple[int, int]]) -> Tensor:
    which = torch.stack([PLANS[scene.count - 1][:, 0] for scene in scenes])
    return torch.tensor([[NO_ITEM, *side] for side in sides]).gather(1, which)


def _plan(count: int) -> Tensor:
    """(16, 2): which thing each cell shows, and its role."""
    if count == 1:
        return torch.tensor([[LEFT, cell] for cell in range(FULL_ROLES)])
    plan = torch.tensor([[NOTHING, EMPTY_ROLE]] * FULL_ROLES)
    for index, (column, row) in enumerate(LAYOUTS[count - 1]):
        side = RIGHT if index % 2 and count == 2 else LEFT
        for part in range(HALF_ROLES):
            cell = (row + part // 2) * CELLS + column + part % 2
            plan[cell] = torch.tensor([side, FULL_ROLES + part])
    return plan


PLANS = tuple(_plan(count) for count in range(1, len(LAYOUTS) + 1))


def build_codes(cache: LatentCache) -> Codes:
    """Principal components of all things on the neutral background."""
    full, half, _ = neutral_targets(cache)
    joined = torch.cat([full.flatten(1), HALF_WEIGHT * half.flatten(1)], dim=1)
    centred = joined - joined.mean(0)
    gram = centred @ centred.T  # fewer things than values
    values, vectors = torch.linalg.eigh(gram)
    codes = vectors[:, -CODE:] * values[-CODE:].clamp(min=0).sqrt()
    cells = torch.cat([parts_of(cache.tinted_full[:, :, 0], cache.tinted_half), parts_of(full, half)[:, None]], dim=1)
    return Codes(codes / codes.std(), cells, cache.flat.float().repeat(1, FULL_ROLES))


def parts_of(full: Tensor, half: Tensor) -> Tensor:
    """Every part of things (..., 16, 16, 16) and (..., 16, 8, 8), float16 (..., roles without the empty one, 256)."""
    squares = half.unfold(-2, 4, 4).unfold(-2, 4, 4)  # (..., 16, 2, 2, 4, 4)
    halves = squares.movedim(-5, -1).flatten(-5, -4).flatten(-3)
    return torch.cat([as_cells(full), halves], dim=-2).half()
