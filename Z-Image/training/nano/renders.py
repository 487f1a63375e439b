"""Says what a picture shows by the render that is nearest to it: which thing, in which colour, and how many.

No network, so nothing to train: what the model was taught is known exactly.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from training.nano.autoencoder.training import load_pictures
from training.nano.dataset.recolour import recolour
from training.nano.dataset.scenes import (
    LAYOUTS,
    NATURAL,
    UNSPECIFIED,
    Scene,
    load_picture,
    palette_tensor,
    render_scene,
)

SIDE_PX = 32
SOURCE_PX = 64


class Renders:
    """All things in their own and in every other colour, small."""

    def __init__(self, work: Path) -> None:
        self.pictures = load_pictures(work)
        colours = range(NATURAL + 1)
        things = [load_picture(self.pictures, item, SOURCE_PX) for item in range(len(self.pictures))]
        self.things = torch.stack([torch.stack([self._on_its_own(thing, c) for thing in things]) for c in colours])

    def _on_its_own(self, thing: Tensor, colour: int) -> Tensor:
        behind = palette_tensor()[Scene(0, 0, 1, UNSPECIFIED, colour, colour).colour_behind][:, None, None]
        coloured = recolour(thing, colour)
        return avg_pool2d(coloured[:3] + (1 - coloured[3:]) * behind, SOURCE_PX // SIDE_PX).flatten().half()

    def things_in(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The things (B,) that pictures (B, 3, S, S) show, and their colours (B,)."""
        small = shrink(pictures).flatten(1)
        near = torch.stack([torch.cdist(small, things.float()) for things in self.things], dim=1)  # (B, 13, items)
        best = near.flatten(1).argmin(1)
        return best % near.shape[2], best // near.shape[2]

    def counts_in(self, pictures: Tensor, items: Sequence[int]) -> Tensor:
        """How many of the thing that was asked for pictures (B, 3, 256, 256) show, (B,)."""
        counts = []
        for picture, item in zip(shrink(pictures), items, strict=True):
            scenes = [Scene(item, item, count, UNSPECIFIED) for count in range(1, len(LAYOUTS) + 1)]
            behind = palette_tensor()[scenes[0].colour_behind]
            side = pictures.shape[-1]
            renders = shrink(torch.stack([render_scene(self.pictures, scene, behind, side, side) for scene in scenes]))
            counts.append(int((renders - picture).square().flatten(1).sum(1).argmin()) + 1)
        return torch.tensor(counts)


def shrink(pictures: Tensor) -> Tensor:
    """Square pictures to (B, 3, 32, 32)."""
    return avg_pool2d(pictures, pictures.shape[-1] // SIDE_PX)
