"""Batches of captions and latents for the transformer, every batch at one picture size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import Qwen2Tokenizer

from training.nano.dataset.captions.source import Backgrounds, CaptionSource
from training.nano.dataset.latents import FULL, HALF_BACKGROUNDS, LatentCache, place_halves
from training.nano.dataset.scenes import CELLS, NATURAL, Scene, scene_side
from training.nano.text.training import LengthBuckets


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
TUNED_SHAPES = (
    replace(SQUARE, share=0.58),
    replace(SHAPES[1], share=0.18),
    replace(SHAPES[2], share=0.18),
    replace(SHAPES[3], share=0.06),
)
SQUARE_UNTIL = 0.3  # share of the stage in which only the small square is drawn


class BatchSource:
    """Draws captions and the latents of the pictures they ask for, one size a batch."""

    def __init__(
        self,
        captions: Callable[[int, Backgrounds], CaptionSource],
        tokenizer: Qwen2Tokenizer,
        cache: LatentCache,
        seed: int,
    ) -> None:
        self.cache = cache
        self.random = Random(seed)
        self.captions = {roomy: captions(seed + roomy, partial(self._backgrounds, roomy)) for roomy in (False, True)}
        self.buckets = {roomy: LengthBuckets(source.draw, tokenizer) for roomy, source in self.captions.items()}

    def shape(self, progress: float, shapes: Sequence[Shape]) -> Shape:
        """One of the sizes, by its share."""
        if progress < SQUARE_UNTIL:
            return SQUARE
        return self.random.choices(shapes, [shape.share for shape in shapes])[0]

    def draw(self, shape: Shape) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (B, S), their lengths (B,) and unit latents (B, 16, height, width)."""
        examples, ids, lengths = self.buckets[shape.is_roomy].take(shape.batch)
        latents = [self._amid_background(e.scene, shape) for e in examples]
        return ids, lengths, torch.stack(latents)

    def _backgrounds(self, roomy: bool, scene: Scene) -> Sequence[int]:
        """Those on which the things of a scene are cached."""
        full = scene.count == 1 or roomy
        left, right = (
            self._cached(item, colour, full)
            for item, colour in zip((scene.left, scene.right), scene.colours, strict=True)
        )
        return [background for background in left if background in right]

    def _cached(self, item: int, colour: int, full: bool) -> list[int]:
        if colour == NATURAL:
            return self.cache.full_backgrounds[item].tolist() if full else list(HALF_BACKGROUNDS)
        backgrounds: list[int] = self.cache.tinted_backgrounds[item, colour].tolist()
        return backgrounds if full else backgrounds[:1]

    def _amid_background(self, scene: Scene, shape: Shape) -> Tensor:
        flat = self.cache.flat[scene.colour_behind].float()[:, None, None]
        side = scene_side(scene.count, shape.height, shape.width, FULL)
        things = zip((scene.left, scene.right), scene.colours, strict=True)
        full = scene.count == 1 or shape.is_roomy
        left, right = (self._latents(item, colour, scene.colour_behind, full) for item, colour in things)
        latents = left
        if scene.count > 1:
            latents = flat.expand(-1, side, side).clone()
            place_halves(latents, (left, right), scene, side // CELLS)
        rows, columns = (shape.height - side) // 2, (shape.width - side) // 2
        return pad(latents - flat, (columns, columns, rows, rows)) + flat

    def _latents(self, item: int, colour: int, background: int, full: bool) -> Tensor:
        index = self._cached(item, colour, full).index(background)
        if colour == NATURAL:
            return (self.cache.full if full else self.cache.half)[item, index].float()
        return (self.cache.tinted_full[item, colour, index] if full else self.cache.tinted_half[item, colour]).float()
