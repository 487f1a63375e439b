"""Batches of captions and latents for the transformer, every batch at one picture size."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Qwen2Tokenizer

from zimage.tools.nano.captions import CaptionSource, Example
from zimage.tools.nano.latents import (
    CELL,
    FULL,
    HALF_BACKGROUNDS,
    LARGE_BACKGROUNDS,
    LARGE_EVERY,
    LARGE_SCALES,
    MIDDLE_BACKGROUNDS,
    MIDDLE_SCALE,
    NEUTRAL,
    LatentCache,
    place_halves,
)
from zimage.tools.nano.material import Item
from zimage.tools.nano.scenes import UNSPECIFIED, Scene
from zimage.tools.nano.text_training import draw_one_length


@dataclass(frozen=True)
class Shape:
    """A picture size in latents and how many pictures of it a worker draws at once.

    The scene fills the square in the middle, whose side is the shorter one.
    """

    height: int
    width: int
    batch: int
    share: float

    @property
    def scale(self) -> int:
        """1 at 256 px, 2 at 512 px, 3 at 768 px."""
        return min(self.height, self.width) // FULL


SQUARE = Shape(FULL, FULL, 20, 0.14)
SHAPES = (
    SQUARE,
    Shape(FULL, 3 * FULL // 2, 16, 0.03),
    Shape(3 * FULL // 2, FULL, 16, 0.03),
    Shape(2 * FULL, 2 * FULL, 7, 0.6),
    Shape(2 * FULL, 3 * FULL, 4, 0.06),
    Shape(3 * FULL, 2 * FULL, 4, 0.06),
    Shape(3 * FULL, 3 * FULL, 3, 0.08),
)
SQUARE_UNTIL = 0.3  # share of the stage in which only the small square is drawn


class BatchSource:
    """Draws captions and the latents of the pictures they ask for, one size a batch."""

    def __init__(self, items: Sequence[Item], cache: LatentCache, seed: int) -> None:
        self.cache = cache
        self.random = Random(seed)
        self.full = [[int(b) for b in row] for row in cache.full_backgrounds]
        self.captions = {
            scale: CaptionSource(items, seed + scale, partial(self._backgrounds, scale)) for scale in (1, *LARGE_SCALES)
        }

    def shape(self, progress: float) -> Shape:
        """One of the sizes, by its share."""
        if progress < SQUARE_UNTIL:
            return SQUARE
        return self.random.choices(SHAPES, [shape.share for shape in SHAPES])[0]

    def draw(self, shape: Shape, tokenizer: Qwen2Tokenizer) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (B, S), their lengths (B,) and unit latents (B, 16, height, width)."""
        source = partial(self._example, shape.scale)
        examples, ids, lengths = draw_one_length(source, tokenizer, shape.batch, self.random)
        latents = [self._amid_background(e.scene, shape) for e in examples]
        return ids, lengths, torch.stack(latents)

    def _example(self, scale: int) -> Example:
        while True:
            example = self.captions[scale].draw()
            if self._is_cached(example.scene, scale):
                return example

    def _is_cached(self, scene: Scene, scale: int) -> bool:
        every = LARGE_EVERY if scale == MIDDLE_SCALE or (scale > 1 and scene.count == 1) else 1
        return scene.left % every == 0 and scene.right % every == 0

    def _backgrounds(self, scale: int, left: int, right: int, count: int) -> Sequence[int]:
        if count == 1:
            return self.full[left] if scale == 1 else self.full[left][:LARGE_BACKGROUNDS]
        if scale == 1:
            return HALF_BACKGROUNDS
        if scale == MIDDLE_SCALE:
            return MIDDLE_BACKGROUNDS
        return [background for background in self.full[left] if background in self.full[right]]

    def _colour(self, scene: Scene, scale: int) -> int:
        if scene.background != UNSPECIFIED:
            return scene.background
        allowed = self._backgrounds(scale, scene.left, scene.right, scene.count)
        return NEUTRAL if NEUTRAL in allowed else self.random.choice(allowed)

    def _amid_background(self, scene: Scene, shape: Shape) -> Tensor:
        background = self._colour(scene, shape.scale)
        latents = (self._one if scene.count == 1 else self._several)(scene, background, shape.scale)
        rows, columns = ((side - latents.shape[-1]) // 2 for side in (shape.height, shape.width))
        flat = self._flat(background)
        return pad(latents - flat, (columns, columns, rows, rows)) + flat

    def _flat(self, background: int) -> Tensor:
        return self.cache.flat[background].float()[:, None, None]

    def _one(self, scene: Scene, background: int, scale: int) -> Tensor:
        index = self.full[scene.left].index(background)
        if scale == 1:
            return self.cache.full[scene.left, index].float()
        return self.cache.large[scale][scene.left // LARGE_EVERY, index].float()

    def _several(self, scene: Scene, background: int, scale: int) -> Tensor:
        canvas = self._flat(background).expand(-1, scale * FULL, scale * FULL).clone()
        halves = {item: self._half(item, background, scale) for item in (scene.left, scene.right)}
        place_halves(canvas, halves, scene, scale * CELL)
        return canvas

    def _half(self, item: int, background: int, scale: int) -> Tensor:
        if scale == 1:
            return self.cache.half[item, HALF_BACKGROUNDS.index(background)].float()
        if scale == MIDDLE_SCALE:
            return self.cache.middle[item // LARGE_EVERY, MIDDLE_BACKGROUNDS.index(background)].float()
        return self.cache.full[item, self.full[item].index(background)].float()
