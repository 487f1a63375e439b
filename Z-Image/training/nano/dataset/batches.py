"""Batches of captions and latents for the transformer, every batch at one picture size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Qwen2Tokenizer

from training.nano.dataset.captions import CaptionSource
from training.nano.dataset.latents import FULL, HALF_BACKGROUNDS, NEUTRAL, LatentCache, place_halves
from training.nano.dataset.material import Item
from training.nano.dataset.scenes import CELLS, UNSPECIFIED, Scene, scene_side
from training.nano.text.training import draw_one_length


@dataclass(frozen=True)
class Shape:
    """A picture size in latents and how many pictures of it a worker draws at once."""

    height: int
    width: int
    batch: int
    share: float

    @property
    def scale(self) -> int:
        """1 at 256 px, 2 at 512 px, 3 at 768 px."""
        return min(self.height, self.width) // FULL

    @property
    def is_roomy(self) -> bool:
        """Whether several things keep the size that one has."""
        return self.scale > 1


SQUARE = Shape(FULL, FULL, 20, 0.2)
SHAPES = (
    SQUARE,
    Shape(FULL, 3 * FULL // 2, 16, 0.04),
    Shape(3 * FULL // 2, FULL, 16, 0.04),
    Shape(2 * FULL, 2 * FULL, 7, 0.44),
    Shape(2 * FULL, 3 * FULL, 4, 0.08),
    Shape(3 * FULL, 2 * FULL, 4, 0.08),
    Shape(3 * FULL, 3 * FULL, 3, 0.12),
)
SQUARE_UNTIL = 0.3  # share of the stage in which only the small square is drawn


class BatchSource:
    """Draws captions and the latents of the pictures they ask for, one size a batch."""

    def __init__(self, items: Sequence[Item], cache: LatentCache, seed: int) -> None:
        self.cache = cache
        self.random = Random(seed)
        self.full = [[int(b) for b in row] for row in cache.full_backgrounds]
        self.captions = {
            roomy: CaptionSource(items, seed + roomy, partial(self._backgrounds, roomy)) for roomy in (False, True)
        }

    def shape(self, progress: float) -> Shape:
        """One of the sizes, by its share."""
        if progress < SQUARE_UNTIL:
            return SQUARE
        return self.random.choices(SHAPES, [shape.share for shape in SHAPES])[0]

    def draw(self, shape: Shape, tokenizer: Qwen2Tokenizer) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (B, S), their lengths (B,) and unit latents (B, 16, height, width)."""
        source = self.captions[shape.is_roomy].draw
        examples, ids, lengths = draw_one_length(source, tokenizer, shape.batch, self.random)
        latents = [self._amid_background(e.scene, shape) for e in examples]
        return ids, lengths, torch.stack(latents)

    def _backgrounds(self, roomy: bool, left: int, right: int, count: int) -> Sequence[int]:
        if count > 1 and not roomy:
            return HALF_BACKGROUNDS
        return [background for background in self.full[left] if background in self.full[right]]

    def _colour(self, scene: Scene, roomy: bool) -> int:
        if scene.background != UNSPECIFIED:
            return scene.background
        allowed = self._backgrounds(roomy, scene.left, scene.right, scene.count)
        return NEUTRAL if NEUTRAL in allowed else self.random.choice(allowed)

    def _amid_background(self, scene: Scene, shape: Shape) -> Tensor:
        background = self._colour(scene, shape.is_roomy)
        flat = self.cache.flat[background].float()[:, None, None]
        side = scene_side(scene.count, shape.height, shape.width, FULL)
        if scene.count == 1:
            latents = self._full(scene.left, background)
        else:
            latents = flat.expand(-1, side, side).clone()
            one = self._full if shape.is_roomy else self._half
            things = {item: one(item, background) for item in (scene.left, scene.right)}
            place_halves(latents, things, scene, side // CELLS)
        rows, columns = (shape.height - side) // 2, (shape.width - side) // 2
        return pad(latents - flat, (columns, columns, rows, rows)) + flat

    def _full(self, item: int, background: int) -> Tensor:
        return self.cache.full[item, self.full[item].index(background)].float()

    def _half(self, item: int, background: int) -> Tensor:
        return self.cache.half[item, HALF_BACKGROUNDS.index(background)].float()
