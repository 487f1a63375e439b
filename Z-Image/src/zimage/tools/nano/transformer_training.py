"""Flow matching on the cached latents, with the text encoder as it was pretrained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import torch
from diffusers import ZImageTransformer2DModel
from PIL import Image
from torch import Tensor
from torch.nn.functional import mse_loss, pad
from transformers import Qwen2Tokenizer

from zimage.tools.nano.captions import CaptionSource, Example
from zimage.tools.nano.drafts import load_encoder
from zimage.tools.nano.latents import (
    CELL,
    FULL,
    HALF_BACKGROUNDS,
    LARGE_BACKGROUNDS,
    LARGE_EVERY,
    NEUTRAL,
    LatentCache,
    load_cache,
    place_halves,
)
from zimage.tools.nano.layout import SHIFT, TextSizes, TransformerSizes, build_transformer
from zimage.tools.nano.material import read_items
from zimage.tools.nano.run import Run
from zimage.tools.nano.sampling import Parts, draw, features_of
from zimage.tools.nano.scenes import UNSPECIFIED, Scene
from zimage.tools.nano.team import Team
from zimage.tools.nano.text_training import draw_one_length
from zimage.tools.nano.training import (
    Average,
    Log,
    Optimisers,
    load_checkpoint,
    split_parameters,
)
from zimage.tools.nano.transformer_forward import forward, prepare_start
from zimage.tools.nano.vae import load_vae

CHECKPOINT_EVERY_S = 110
SHEET_EVERY = 2
CHECKPOINT = "transformer.safetensors"
SHEET_PROMPTS = (
    "fox", "a red apple on a blue background", "火车", "robot and pizza", "three bananas", "请画一个企鹅",
    "guitar on the left, rocket on the right", "grinning face", "draw me a castle", "绿色背景的章鱼", "volcano",
    "asdf zxcv",
)  # fmt: skip


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
    def large(self) -> bool:
        """True from 512 px on."""
        return min(self.height, self.width) == 2 * FULL


SQUARE = Shape(FULL, FULL, 20, 0.6)
SHAPES = (
    SQUARE,
    Shape(FULL, 3 * FULL // 2, 12, 0.06),
    Shape(3 * FULL // 2, FULL, 12, 0.06),
    Shape(2 * FULL, 2 * FULL, 5, 0.2),
    Shape(2 * FULL, 3 * FULL, 3, 0.04),
    Shape(3 * FULL, 2 * FULL, 3, 0.04),
)
SQUARE_UNTIL = 0.3  # share of the stage in which only the small square is drawn


class BatchSource:
    """Draws captions and the latents of the pictures they ask for, one size a batch."""

    def __init__(self, work: Path, cache: LatentCache, seed: int) -> None:
        self.cache = cache
        self.random = Random(seed)
        self.full = [[int(b) for b in row] for row in cache.full_backgrounds]
        items = read_items(work)
        self.captions = CaptionSource(items, seed, self._backgrounds)
        self.large_captions = CaptionSource(items, seed + 1, self._large_backgrounds)

    def shape(self, progress: float) -> Shape:
        """One of the sizes, by its share."""
        if progress < SQUARE_UNTIL:
            return SQUARE
        return self.random.choices(SHAPES, [shape.share for shape in SHAPES])[0]

    def draw(self, shape: Shape, tokenizer: Qwen2Tokenizer) -> tuple[Tensor, Tensor, Tensor]:
        """Token ids (B, S), their lengths (B,) and unit latents (B, 16, height, width)."""
        source = self._large_example if shape.large else self.captions.draw
        examples, ids, lengths = draw_one_length(source, tokenizer, shape.batch, self.random)
        latents = [self._amid_background(e.scene, shape) for e in examples]
        return ids, lengths, torch.stack(latents)

    def _backgrounds(self, left: int, _right: int, count: int) -> Sequence[int]:
        return self.full[left] if count == 1 else HALF_BACKGROUNDS

    def _large_backgrounds(self, left: int, right: int, count: int) -> Sequence[int]:
        if count > 1:
            return [background for background in self.full[left] if background in self.full[right]]
        return self.full[left][:LARGE_BACKGROUNDS]

    def _large_example(self) -> Example:
        while True:
            example = self.large_captions.draw()
            if example.scene.count > 1 or example.scene.left % LARGE_EVERY == 0:
                return example

    def _colour(self, scene: Scene, allowed: Sequence[int]) -> int:
        if scene.background != UNSPECIFIED:
            return scene.background
        return NEUTRAL if NEUTRAL in allowed else self.random.choice(allowed)

    def _amid_background(self, scene: Scene, shape: Shape) -> Tensor:
        allowed = self._large_backgrounds if shape.large else self._backgrounds
        background = self._colour(scene, allowed(scene.left, scene.right, scene.count))
        latents = (self._large if shape.large else self._small)(scene, background)
        rows, columns = ((side - latents.shape[-1]) // 2 for side in (shape.height, shape.width))
        flat = self._flat(background)
        return pad(latents - flat, (columns, columns, rows, rows)) + flat

    def _flat(self, background: int) -> Tensor:
        return self.cache.flat[background].float()[:, None, None]

    def _small(self, scene: Scene, background: int) -> Tensor:
        if scene.count == 1:
            return self._full(scene.left, background)
        canvas = self._flat(background).expand(-1, FULL, FULL).clone()
        place_halves(canvas, self.cache.half[:, HALF_BACKGROUNDS.index(background)], scene, CELL)
        return canvas

    def _full(self, item: int, background: int) -> Tensor:
        return self.cache.full[item, self.full[item].index(background)].float()

    def _large(self, scene: Scene, background: int) -> Tensor:
        if scene.count == 1:
            return self.cache.large[scene.left // LARGE_EVERY, self.full[scene.left].index(background)].float()
        canvas = self._flat(background).expand(-1, 2 * FULL, 2 * FULL).clone()
        place_halves(
            canvas, {item: self._full(item, background) for item in (scene.left, scene.right)}, scene, 2 * CELL
        )
        return canvas


def train_transformer(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint when there is one."""
    torch.manual_seed(seed)
    tokenizer, text_encoder, weight, bias = load_encoder(work)
    cache = load_cache(work)
    model = build_transformer(TransformerSizes(), TextSizes().hidden)
    prepare_start(model)
    start_from_draft(model, weight, bias)
    keep = ("adaLN", "final_layer", "x_embedder", "cap_embedder", "t_embedder", "pad_token")
    matrices, rest = split_parameters(model, keep)
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=1.5e-3, team=team)
    average = Average(model, 0.995)
    run = Run(
        model,
        optimisers,
        average,
        work / CHECKPOINT,
        Log(work / "transformer.csv", names=("loss", "loss_other")),
        team,
        seed,
    )
    source = BatchSource(work, cache, run.seed)
    saves = 0
    for progress in run.lasting(seconds):
        shape = source.shape(progress)
        ids, lengths, latents = source.draw(shape, tokenizer)
        features, real = features_of(text_encoder, ids, lengths)
        loss = flow_loss(model, latents, features, real)
        values = {"loss" if shape == SQUARE else "loss_other": loss.detach()}
        if run.advance(loss, values, decay=0.5, save_every_s=CHECKPOINT_EVERY_S):
            saves += 1
            if saves % SHEET_EVERY == 0:
                sample_sheet(load_parts(work), SHEET_PROMPTS, 256, work / "transformer.png")


def start_from_draft(model: ZImageTransformer2DModel, weight: Tensor, bias: Tensor) -> None:
    """Lets caption tokens start as the draft that can be read from them."""
    linear = model.cap_embedder[1]
    with torch.no_grad():
        linear.weight.zero_()
        linear.weight[: len(weight)] = weight[: model.config.dim]
        linear.bias.zero_()
        linear.bias[: len(bias)] = bias[: model.config.dim]


def noise_levels(number: int) -> Tensor:
    """Sigmas spread as the schedule spreads its points, (number,)."""
    even = (torch.arange(number) + torch.rand(number)) / number
    return SHIFT * even / (1 + (SHIFT - 1) * even)


def flow_loss(model: ZImageTransformer2DModel, latents: Tensor, features: Tensor, real: Tensor) -> Tensor:
    """Squared error of the output, at noise levels spread like the schedule's."""
    sigma = noise_levels(len(latents))
    noise = torch.randn_like(latents)
    level = sigma[:, None, None, None]
    output = forward(model, (1 - level) * latents + level * noise, 1 - sigma, features, real)
    return mse_loss(output, latents - noise)


def load_parts(work: Path) -> Parts:
    """The averaged model of the checkpoints."""
    tokenizer, text_encoder, _, _ = load_encoder(work)
    cache = load_checkpoint(work / "latents.safetensors")
    model = build_transformer(TransformerSizes(), TextSizes().hidden)
    model.load_state_dict(load_checkpoint(work / CHECKPOINT)["average"]["values"])
    vae = load_vae(work)
    transformer = model.eval().requires_grad_(False)
    return Parts(tokenizer, text_encoder, transformer, vae, cache["scale"], cache["shift"])


def sample_sheet(parts: Parts, prompts: Sequence[str], side_px: int, path: Path, columns: int = 6) -> None:
    """Draws the prompts with seeds 0, 1, 2, … into one picture."""
    pictures = draw(parts, prompts, range(len(prompts)), side_px, side_px)
    rows = [torch.cat(list(row), dim=2) for row in torch.split(pictures, columns)]
    rows = [pad(row, (0, columns * side_px - row.shape[2])) for row in rows]
    array = (torch.cat(rows, dim=1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(path)
