"""What the transformer is to read from the registers of the text encoder's cells.

A cell's token is read as a draft of the latents of that cell, with the cell's and its part's identity in the
directions in which drafts hardly ever differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, one_hot
from transformers import Qwen3Model

from training.nano.dataset.scenes import Scene
from training.nano.layout import LEARNED_LAYERS
from training.nano.text.codes import FULL_ROLES, ROLES, Codes

CELL_VALUES = 256
RIDGE = 1e-4
IDENTITY_SIZE = 4.0
EPS = 1e-6


@dataclass(frozen=True)
class Affine:
    """A linear map and what is added to it."""

    weight: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """(N, inputs) to (N, outputs)."""
        return linear(x, self.weight, self.bias)

    @classmethod
    def fit(cls, inputs: Tensor, outputs: Tensor) -> "Affine":
        """Ridge regression of (N, outputs) on (N, inputs)."""
        middle, goal = inputs.mean(0), outputs.mean(0)
        weight = regress(inputs - middle, outputs - goal)
        return cls(weight, goal - weight @ middle)


def regress(inputs: Tensor, outputs: Tensor, ridge: float = RIDGE) -> Tensor:
    """Ridge regression without a constant, (outputs, inputs)."""
    gram = inputs.T @ inputs / len(inputs)
    gram += ridge * gram.diagonal().mean() * torch.eye(len(gram))
    return torch.linalg.solve(gram, inputs.T @ outputs / len(inputs)).T  # type: ignore[no-any-return]


def identities_of(roles: Tensor) -> Tensor:
    """Cells and roles (B, 16) as ones among zeros, (B * 16, cells + ROLES)."""
    cells = torch.arange(FULL_ROLES).expand_as(roles)
    return torch.cat([one_hot(cells, FULL_ROLES), one_hot(roles, ROLES)], dim=-1).flatten(0, 1).float()


def cells_of(scenes: Sequence[Scene], targets: Codes) -> Tensor:
    """Latents and identities of every cell, (scenes * 16, 256 + cells + ROLES)."""
    _, roles, wanted = targets.wanted(scenes)
    return torch.cat([wanted.flatten(0, 1), identities_of(roles)], dim=1)


def read_anew(scenes: Sequence[Scene], targets: Codes) -> Affine:
    """The latents, with the identities in the directions in which they hardly differ."""
    cells = cells_of(scenes, targets)
    values = targets.cells.shape[-1]
    wanted, identities = cells[:, :values], cells[:, values:]
    centred = wanted - wanted.mean(0)
    spare = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, : identities.shape[1]]  # the weakest
    keep = torch.eye(values) - spare @ spare.T
    weight = torch.cat([keep, IDENTITY_SIZE * spare], dim=1)
    middle = torch.cat([torch.zeros(values), identities.mean(0)])
    return Affine(weight, -weight @ middle)


@torch.no_grad()
def quieten(model: Qwen3Model, factor: float) -> None:
    """Scales everything that the learned layers add, which their norms do not notice."""
    model.embed_tokens.weight.mul_(factor)
    for layer in list(model.layers)[:LEARNED_LAYERS]:
        layer.self_attn.o_proj.weight.mul_(factor)
        layer.mlp.down_proj.weight.mul_(factor)
