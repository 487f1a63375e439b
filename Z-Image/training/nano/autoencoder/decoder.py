"""Trains the decoder further at full size, on the cached latents of an encoder that stays.

The autoencoder's own run sees crops, whose colour statistics differ from whole pictures'.
This stage can run at any time later: latents do not change, so nothing else has to.
"""

from pathlib import Path
from random import Random

import torch
from torch import Tensor
from torch.nn.functional import l1_loss

from training.loop.average import Average
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.run import Run
from training.loop.team import Team
from training.nano.autoencoder.training import (
    CHECKPOINT_EVERY_S,
    DECODER_CHECKPOINT,
    LATENT_NOISE,
    gradient_l1,
    load_pictures,
    load_vae,
    vae_sheet,
)
from training.nano.dataset.latents import CELL, FULL, HALF_BACKGROUNDS, LatentCache, load_cache, place_halves
from training.nano.dataset.scenes import Scene, palette_tensor, render_scene

BATCH = 2
SHARE_OF_PAIRS = 0.2


class SceneSource:
    """Draws latents of whole scenes and the pictures they should decode to."""

    def __init__(self, work: Path, seed: int) -> None:
        self.cache: LatentCache = load_cache(work)
        self.pictures = load_pictures(work)
        self.palette = palette_tensor()
        self.random = Random(seed)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Raw latents (16, 16, 16) and their picture (3, 256, 256) in -1..1."""
        left, right = (self.random.randrange(len(self.pictures)) for _ in range(2))
        if self.random.random() < SHARE_OF_PAIRS:
            scene = Scene(left, right, 2, self.random.choice(HALF_BACKGROUNDS))
            latents = self.cache.flat[scene.background].float()[:, None, None].expand(-1, FULL, FULL).clone()
            halves = self.cache.half[:, HALF_BACKGROUNDS.index(scene.background)]
            place_halves(latents, (halves[left], halves[right]), scene, CELL)
        else:
            index = self.random.randrange(self.cache.full_backgrounds.shape[1])
            scene = Scene(left, left, 1, int(self.cache.full_backgrounds[left, index]))
            latents = self.cache.full[left, index].float()
        picture = render_scene(self.pictures, scene, self.palette[scene.background], 256, 256)
        return latents / self.cache.scale + self.cache.shift, picture * 2 - 1

    def batch(self, number: int) -> tuple[Tensor, Tensor]:
        """(number, 16, 16, 16) and (number, 3, 256, 256)."""
        latents, pictures = zip(*(self.draw() for _ in range(number)), strict=True)
        return torch.stack(latents), torch.stack(pictures)


def train_decoder(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from the checkpoint when there is one."""
    torch.manual_seed(seed)
    vae = load_vae(work)
    decoder = vae.decoder.train().requires_grad_(True)
    matrices, rest = split_parameters(decoder, ("conv_in", "conv_out"))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.004, adam_lr=5e-4, team=team)
    average = Average(decoder, 0.98)
    run = Run(decoder, optimisers, average, work / DECODER_CHECKPOINT, Log(work / "decoder.csv"), team, seed)
    source = SceneSource(work, run.seed)
    for _ in run.lasting(seconds):
        latents, pictures = source.batch(BATCH)
        noisy = latents + 0.5 * LATENT_NOISE * torch.randn_like(latents)
        output = decoder(noisy.contiguous(memory_format=torch.channels_last))
        loss = l1_loss(output, pictures) + 0.5 * gradient_l1(output, pictures)
        psnr = -10 * torch.log10(((output.detach().clamp(-1, 1) - pictures) / 2).square().mean())
        values = {"loss": loss.detach(), "psnr": psnr}
        if run.advance(loss, values, decay=0.8, save_every_s=CHECKPOINT_EVERY_S):
            vae_sheet(load_vae(work), source.pictures, work / "vae.png")
