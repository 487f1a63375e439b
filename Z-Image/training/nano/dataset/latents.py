"""Latents of every thing on a few backgrounds, computed once.

Layouts are aligned to the grid of cells, so a scene of several things is put together from
the latents of half-size pictures and of flat backgrounds, without another encoding.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from diffusers import AutoencoderKL
from torch import Tensor

from training.loop.checkpoints import load_checkpoint, save_atomically
from training.loop.precision import fast_products
from training.loop.team import Team, run_team
from training.nano.adopt import read_scale
from training.nano.autoencoder.training import CHECKPOINT as VAE_CHECKPOINT
from training.nano.autoencoder.training import load_pictures, load_vae
from training.nano.dataset.recolour import recolour
from training.nano.dataset.scenes import (
    CELLS,
    LAYOUTS,
    NEUTRAL,
    PALETTE,
    THING_PX,
    WHITE,
    Scene,
    load_picture,
    palette_tensor,
    paste,
)

FULL = 16  # latents along one side of a thing
CELL = FULL // CELLS
FULL_BACKGROUNDS = 3
HALF_BACKGROUNDS = (NEUTRAL, 0, 5, 10, 11)
GROUP = 4  # things encoded together
CHECKPOINT = "latents.safetensors"
CHECKPOINT_EVERY_S = 60

T = TypeVar("T")


@dataclass(frozen=True)
class LatentCache:
    """Unit-scale latents in float16.

    Attributes:
        full: (items, 3, 16, 16, 16), one thing at 256 px; the first is on the neutral background.
        full_backgrounds: (items, 3), which backgrounds those are.
        half: (items, 5, 16, 8, 8), one thing at 128 px on each of HALF_BACKGROUNDS.
        tinted_full: (items, 12, 2, 16, 16, 16), one thing in each colour at 256 px; the first is on the colour
            that stands behind it where none is named.
        tinted_backgrounds: (items, 12, 2), which backgrounds those are.
        tinted_half: (items, 12, 16, 8, 8), one thing in each colour at 128 px on the first of those.
        flat: (12, 16), the latent of every plain background.
        scale: what the raw latents were multiplied by after `shift` was taken away.
        shift: see `scale`.
    """

    full: Tensor
    full_backgrounds: Tensor
    half: Tensor
    tinted_full: Tensor
    tinted_backgrounds: Tensor
    tinted_half: Tensor
    flat: Tensor
    scale: float
    shift: float


def encode(vae: AutoencoderKL, pictures: Tensor) -> Tensor:
    """Raw latents of (B, 3, H, W) in 0..1."""
    inputs = (pictures * 2 - 1).contiguous(memory_format=torch.channels_last)
    with fast_products():
        return vae.encoder(inputs).chunk(2, dim=1)[0].float()  # type: ignore[no-any-return]


def on_backgrounds(picture: Tensor, backgrounds: Tensor) -> Tensor:
    """One premultiplied picture (4, H, W) on each background, (B, 3, H, W)."""
    return picture[:3] + (1 - picture[3:]) * palette_tensor()[backgrounds][:, :, None, None]


def draw_backgrounds(items: int) -> Tensor:
    """The neutral background and two others for every thing, (items, 3)."""
    random = torch.Generator().manual_seed(0)
    others = torch.stack([torch.randperm(len(PALETTE), generator=random) for _ in range(items)])
    others = torch.stack([row[row != NEUTRAL][: FULL_BACKGROUNDS - 1] for row in others])
    return torch.cat([torch.full((items, 1), NEUTRAL), others], dim=1)


def draw_tinted_backgrounds(items: int) -> Tensor:
    """For every thing in every colour the background where none is named, and another, (items, 12, 2)."""
    random = torch.Generator().manual_seed(1)
    colours = torch.arange(len(PALETTE)).expand(items, -1)
    first = torch.where(colours == NEUTRAL, WHITE, NEUTRAL)
    second = (colours + torch.randint(1, len(PALETTE), (items, len(PALETTE)), generator=random)) % len(PALETTE)
    return torch.stack([first, second], dim=-1)


def encode_halves(vae: AutoencoderKL, things: Sequence[Tensor], backgrounds: Sequence[int]) -> Tensor:
    """Four premultiplied pictures at 128 px in one scene each background, (4, backgrounds, 16, 8, 8)."""
    colours = palette_tensor()[list(backgrounds)]
    canvases = colours[:, :, None, None].expand(-1, 3, 256, 256).clone()
    for canvas in canvases:
        for thing, (column, row) in zip(things, LAYOUTS[3], strict=True):
            paste(canvas, thing, 64 * column, 64 * row)
    latents = encode(vae, canvases)
    half = FULL // 2
    return torch.stack([latents[:, :, y : y + half, x : x + half] for y in (0, half) for x in (0, half)])


@torch.no_grad()
def encode_group(
    vae: AutoencoderKL, pictures: Tensor, group: list[int], backgrounds: "Backgrounds"
) -> dict[str, Tensor]:
    """Raw latents of a few things for every part of the cache, float16 (len(group), …)."""
    things = [load_picture(pictures, item, THING_PX) for item in group]
    halves = [load_picture(pictures, item, THING_PX // 2) for item in group]
    parts = {
        "full": encode_full(vae, things, backgrounds.natural[group]),
        "half": encode_halves(vae, halves, HALF_BACKGROUNDS),
    }
    full, half = [], []
    for colour in range(len(PALETTE)):
        behind = backgrounds.tinted[group, colour]
        full.append(encode_full(vae, [recolour(thing, colour) for thing in things], behind))
        half.append(encode_halves(vae, [recolour(thing, colour) for thing in halves], behind[:1, 0].tolist())[:, 0])
    parts |= {"tinted_full": torch.stack(full, dim=1), "tinted_half": torch.stack(half, dim=1)}
    return {name: part.half() for name, part in parts.items()}


@dataclass(frozen=True)
class Backgrounds:
    """Which backgrounds the things are encoded on: see LatentCache."""

    natural: Tensor
    tinted: Tensor

    @classmethod
    def draw(cls, items: int) -> "Backgrounds":
        """The same each time."""
        return cls(draw_backgrounds(items), draw_tinted_backgrounds(items))


def encode_full(vae: AutoencoderKL, things: Sequence[Tensor], backgrounds: Tensor) -> Tensor:
    """Premultiplied pictures at 256 px on their backgrounds (things, N), (things, N, 16, 16, 16)."""
    scenes = [on_backgrounds(thing, behind) for thing, behind in zip(things, backgrounds, strict=True)]
    return encode(vae, torch.cat(scenes)).view(*backgrounds.shape, -1, FULL, FULL)


def encode_share(work: Path, team: Team) -> None:
    """Encodes this worker's share of the things, every `size`-th group of four; goes on where it was cut off."""
    vae, pictures, path = load_vae(work), load_pictures(work), _share_path(work, team.rank, team.size)
    vae_step = load_checkpoint(work / VAE_CHECKPOINT)["step"]
    backgrounds = Backgrounds.draw(len(pictures))
    share: dict[str, Any] = load_checkpoint(path) if path.exists() else {}
    if share.get("vae_step") != vae_step:  # none yet, or of an autoencoder that has learned more since
        share = {"vae_step": vae_step, "groups": []}
    groups, saved = share["groups"], time.monotonic()
    firsts = range(GROUP * team.rank, len(pictures), GROUP * team.size)
    for first in firsts[len(groups) :]:
        group = list(range(first, min(first + GROUP, len(pictures))))
        groups.append(encode_group(vae, pictures, group, backgrounds))
        if time.monotonic() - saved > CHECKPOINT_EVERY_S:
            save_atomically(share, path)
            saved = time.monotonic()
            print(f"worker {team.rank}: {len(groups)} of {len(firsts)} groups are latents", flush=True)
    save_atomically(share, path)


@torch.no_grad()
def build_cache(work: Path, workers: int) -> None:
    """Encodes everything and writes the cache."""
    run_team(partial(encode_share, work), workers)
    paths = [_share_path(work, rank, workers) for rank in range(workers)]
    groups = _interleave([load_checkpoint(path)["groups"] for path in paths])
    raw = {name: torch.cat([group[name] for group in groups]) for name in groups[0]}
    vae = load_vae(work)
    flat = encode(vae, palette_tensor()[:, :, None, None].expand(-1, 3, 256, 256))[:, :, 6, 6]
    shift, scale = read_scale(work) or (float(raw["full"].float().mean()), 1 / float(raw["full"].float().std()))
    unit: dict[str, Any] = {
        name: ((value.float() - shift) * scale).half() for name, value in {**raw, "flat": flat}.items()
    }
    drawn = Backgrounds.draw(len(raw["full"]))
    behind = {"full_backgrounds": drawn.natural, "tinted_backgrounds": drawn.tinted}
    save_atomically({**unit, **behind, "scale": scale, "shift": shift}, work / CHECKPOINT)
    for path in paths:
        path.unlink()


def _share_path(work: Path, rank: int, workers: int) -> Path:
    return work / f"latents-{rank}-of-{workers}.safetensors"


def _interleave(shares: Sequence[Sequence[T]]) -> list[T]:
    """Undoes the dealing of groups to the workers."""
    return [shares[index % len(shares)][index // len(shares)] for index in range(sum(map(len, shares)))]


def load_cache(work: Path) -> LatentCache:
    """Reads the cache."""
    return LatentCache(**load_checkpoint(work / CHECKPOINT))


def place_halves(canvas: Tensor, sides: tuple[Tensor, Tensor], scene: Scene, cell: int) -> None:
    """Writes the left and the right thing's latents, each (16, 2 cells, 2 cells), into the layout."""
    for index, (column, row) in enumerate(LAYOUTS[scene.count - 1]):
        top, left = row * cell, column * cell
        canvas[:, top : top + 2 * cell, left : left + 2 * cell] = sides[index % 2 if scene.count == 2 else 0].float()


def neutral_targets(cache: LatentCache) -> tuple[Tensor, Tensor, Tensor]:
    """On the neutral background: full (N,16,16,16), half (N,16,8,8), flat (16,)."""
    return cache.full[:, 0].float(), cache.half[:, 0].float(), cache.flat[NEUTRAL].float()


def as_cells(latents: Tensor) -> Tensor:
    """(..., 16, 16, 16) to one vector a cell, (..., 16, 256)."""
    lead = latents.shape[:-3]
    x = latents.reshape(*lead, latents.shape[-3], CELLS, CELL, CELLS, CELL)
    return x.movedim(-5, -1).transpose(-3, -4).reshape(*lead, CELLS * CELLS, -1)
