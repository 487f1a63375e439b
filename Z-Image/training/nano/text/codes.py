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
        cells: (items, roles without the empty one, 256), neutral latents of every part.
        empty: (256,), neutral latents of a cell that shows nothing.
    """

    codes: Tensor
    cells: Tensor
    empty: Tensor

    def wanted(self, scenes: Sequence[Scene]) -> tuple[Tensor, Tensor, Tensor]:
        """Code (B, 16, CODE), role (B, 16) and latents (B, 16, 256) of every cell."""
        plans = torch.stack([PLANS[scene.count - 1] for scene in scenes])  # (B, 16, 2)
        which, roles = plans.unbind(-1)
        sides = torch.tensor([[0, scene.left, scene.right] for scene in scenes])
        items = sides.gather(1, which)
        shown = (which != NOTHING)[:, :, None]
        parts = self.cells[items, roles.clamp(max=EMPTY_ROLE - 1)]
        return self.codes[items] * shown, roles, torch.where(shown, parts, self.empty)

    def items(self, scenes: Sequence[Scene]) -> Tensor:
        """The thing that every cell shows, (B, 16), or NO_ITEM."""
        which = torch.stack([PLANS[scene.count - 1][:, 0] for scene in scenes])
        return torch.tensor([[NO_ITEM, scene.left, scene.right] for scene in scenes]).gather(1, which)


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
    full, half, flat = neutral_targets(cache)
    joined = torch.cat([full.flatten(1), HALF_WEIGHT * half.flatten(1)], dim=1)
    centred = joined - joined.mean(0)
    gram = centred @ centred.T  # fewer things than values
    values, vectors = torch.linalg.eigh(gram)
    codes = vectors[:, -CODE:] * values[-CODE:].clamp(min=0).sqrt()
    parts = half.unfold(2, 4, 4).unfold(3, 4, 4)  # (N, 16, 2, 2, 4, 4)
    half_cells = parts.permute(0, 2, 3, 4, 5, 1).reshape(len(half), HALF_ROLES, -1)
    cells = torch.cat([as_cells(full), half_cells], dim=1)
    return Codes(codes / codes.std(), cells, flat.repeat(FULL_ROLES))
