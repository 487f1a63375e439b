"""A small convolutional classifier that says which thing a picture shows.

It is trained on augmented renders of the material alone and never sees a generated picture.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, avg_pool2d, cross_entropy, grid_sample, interpolate

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.precision import fast_products
from training.loop.run import Run
from training.loop.team import Team
from training.nano.autoencoder.training import load_pictures
from training.nano.dataset.scenes import LAYOUTS, palette_tensor, resize_premultiplied

SIDE_PX = 64
SOURCE_PX = 128
WIDTHS = (32, 64, 128, 192)
BATCH = 64
CHECKPOINT_EVERY_S = 60
CHECKPOINT = "judge.safetensors"
HELD_OUT_SEED = 987_654_321


def build_judge(items: int) -> nn.Sequential:
    """Strided convolutions from 64 px to 4 x 4, then one matrix."""
    layers: list[nn.Module] = []
    channels = 3
    for width in WIDTHS:
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.GroupNorm(8, width), nn.SiLU()]
        layers += [nn.Conv2d(width, width, 3, padding=1), nn.GroupNorm(8, width), nn.SiLU()]
        channels = width
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(16 * channels, items))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


class RenderSource:
    """Augmented renders: place, scale, background, blur, contrast and noise vary."""

    def __init__(self, work: Path, seed: int) -> None:
        pictures = load_pictures(work)
        groups = torch.split(pictures, 64)
        small = [resize_premultiplied(group.permute(0, 3, 1, 2).float() / 255, SOURCE_PX) for group in groups]
        self.pictures = torch.cat([(group * 255).round().byte() for group in small])
        self.random = torch.Generator().manual_seed(seed)
        self.palette = palette_tensor()

    def draw(self, batch: int) -> tuple[Tensor, Tensor]:
        """Pictures (batch, 3, 64, 64) in 0..1 and the items they show."""
        items = torch.randint(len(self.pictures), (batch,), generator=self.random)
        moved = self._move(self.pictures[items].float() / 255)
        colours = self.palette[torch.randint(len(self.palette), (batch,), generator=self.random)]
        colours = (colours + 0.05 * self._normal(batch, 3)).clamp(0, 1)[:, :, None, None]
        return self._degrade(moved[:, :3] + (1 - moved[:, 3:]) * colours), items

    def _move(self, pictures: Tensor) -> Tensor:
        batch = len(pictures)
        scale = 0.95 + 0.3 * self._uniform(batch)  # above one the thing becomes smaller
        shift = 0.12 * (2 * self._uniform(batch, 2) - 1)
        theta = torch.zeros(batch, 2, 3)
        theta[:, 0, 0] = theta[:, 1, 1] = scale
        theta[:, :, 2] = shift
        grid = affine_grid(theta, [batch, 4, SIDE_PX, SIDE_PX], align_corners=False)
        return grid_sample(pictures, grid, mode="bilinear", align_corners=False)

    def _degrade(self, pictures: Tensor) -> Tensor:
        batch = len(pictures)
        soft = interpolate(avg_pool2d(pictures, 2), scale_factor=2, mode="bilinear")
        blur = self._uniform(batch, 1, 1, 1)
        pictures = torch.lerp(pictures, soft, blur)
        contrast = 1 + 0.15 * (2 * self._uniform(batch, 1, 1, 1) - 1)
        noise = 0.05 * self._uniform(batch, 1, 1, 1) * self._normal(*pictures.shape)
        return ((pictures - 0.5) * contrast + 0.5 + 0.04 * self._normal(batch, 3, 1, 1) + noise).clamp(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.random)

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random)


def train_judge(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint when there is one."""
    torch.manual_seed(seed)
    items = len(load_pictures(work))
    model = build_judge(items)
    matrices, rest = split_parameters(model, ("0.weight",))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=2e-3, team=team)
    average = Average(model, 0.995)
    log = Log(work / "judge.csv", every=100)
    run = Run(model, optimisers, average, work / CHECKPOINT, log, team, seed)
    source = RenderSource(work, run.seed)
    for _ in run.lasting(seconds):
        pictures, labels = source.draw(BATCH)
        with fast_products():
            logits = model((pictures * 2 - 1).contiguous(memory_format=torch.channels_last)).float()
        loss = cross_entropy(logits, labels, label_smoothing=0.05)
        values = {"loss": loss.detach(), "accuracy": (logits.argmax(-1) == labels).float().mean()}
        if run.advance(loss, values, decay=0.6, save_every_s=CHECKPOINT_EVERY_S):
            print(f"held-out renders: {held_out_accuracy(work, 1024):.4f}", flush=True)


def load_judge(work: Path) -> nn.Sequential:
    """The averaged judge of the checkpoint."""
    model = build_judge(len(load_pictures(work)))
    model.load_state_dict(load_checkpoint(work / CHECKPOINT)["average"]["values"])
    return model.eval().requires_grad_(False)


@torch.no_grad()
def judge_logits(judge: nn.Sequential, pictures: Tensor) -> Tensor:
    """Logits of square pictures (B, 3, S, S) in 0..1 that one thing fills."""
    small = pictures if pictures.shape[-1] == SIDE_PX else avg_pool2d(pictures, pictures.shape[-1] // SIDE_PX)
    return judge((small * 2 - 1).contiguous(memory_format=torch.channels_last))  # type: ignore[no-any-return]


def held_out_accuracy(work: Path, number: int = 4096) -> float:
    """Top-1 accuracy on renders drawn with a seed that training never uses."""
    source, judge = RenderSource(work, HELD_OUT_SEED), load_judge(work)
    hits = 0.0
    for _ in range(number // 128):
        pictures, items = source.draw(128)
        hits += float((judge_logits(judge, pictures).argmax(-1) == items).sum())
    return hits / (number // 128 * 128)


def crop_things(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """The left and the right thing of square pictures of two, (B, 3, side / 2, side / 2) each."""
    (left_column, row), (right_column, _) = LAYOUTS[1]
    cell = pictures.shape[-1] // 4
    rows = slice(row * cell, (row + 2) * cell)
    left, right = (pictures[:, :, rows, column * cell : (column + 2) * cell] for column in (left_column, right_column))
    return left, right


def background_of(pictures: Tensor) -> Tensor:
    """The named colour nearest to the median of the four corners, (B,)."""
    corners = [pictures[:, :, y, x] for y in (slice(8), slice(-8, None)) for x in (slice(8), slice(-8, None))]
    median = torch.cat([corner.flatten(2) for corner in corners], dim=2).median(dim=2).values
    return torch.cdist(median, palette_tensor()).argmin(1)
