"""The autoencoder's training: scenes of 64 px, then 128 px crops at several scales."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate, l1_loss

from training.loop.average import Average
from training.loop.checkpoints import load_checkpoint
from training.loop.log import Log
from training.loop.optimisers import Optimisers, split_parameters
from training.loop.run import Run
from training.loop.team import Team
from training.nano.dataset.scenes import palette_tensor, resize_premultiplied
from training.nano.layout import VaeSizes, build_vae

LATENT_NOISE = 0.1
CHECKPOINT_EVERY_S = 60
CHECKPOINT = "vae.safetensors"
DECODER_CHECKPOINT = "decoder.safetensors"


@dataclass(frozen=True)
class VaePhase:
    """A part of the run: until which fraction of the time, what side and batch."""

    until: float
    side_px: int
    batch: int


PHASES = (VaePhase(0.35, 64, 10), VaePhase(1.0, 128, 4))


class CropSource:
    """Draws random crops of random scenes, straight from the decoded pictures."""

    def __init__(self, pictures: Tensor, seed: int) -> None:
        self.pictures = pictures
        self.random = torch.Generator().manual_seed(seed)
        self.palette = palette_tensor()

    def draw(self, batch: int, side_px: int) -> Tensor:
        """(batch, 3, side, side) in -1..1; one scale a batch keeps it cheap."""
        scale = (0.5, 1.0, 1.0, 2.0)[self._integer(4)] if side_px > 64 else (0.25, 0.5)[self._integer(2)]
        items = torch.randint(len(self.pictures), (batch,), generator=self.random)
        full = int(256 * scale)
        window = min(256, int(side_px / scale))
        crops = torch.stack([self._window(int(item), window) for item in items])
        crops = crops.permute(0, 3, 1, 2).float().div_(255)
        if window * scale > side_px or full < side_px:
            raise ValueError(f"a crop of {side_px} px does not fit a picture of {full} px")
        if window != side_px:
            crops = (
                resize_premultiplied(crops, side_px)
                if window > side_px
                else interpolate(crops, scale_factor=scale, mode="bicubic").clamp_(0, 1)
            )
        return self.composite(crops).mul_(2).sub_(1)

    def composite(self, crops: Tensor) -> Tensor:
        """Puts each crop on a random background, mostly a named one."""
        named = torch.randint(len(self.palette), (len(crops),), generator=self.random)
        colours = self.palette[named]
        free = torch.rand(len(crops), 3, generator=self.random)
        use_free = torch.rand(len(crops), 1, generator=self.random) < 0.15
        colours = torch.where(use_free, free, colours)[:, :, None, None]
        return crops[:, :3] + (1 - crops[:, 3:]) * colours

    def _window(self, item: int, window: int) -> Tensor:
        left, top = (16 * self._integer((256 - window) // 16 + 1) for _ in range(2))
        return self.pictures[item, top : top + window, left : left + window]

    def _integer(self, limit: int) -> int:
        return int(torch.randint(limit, (1,), generator=self.random))


def gradient_l1(output: Tensor, target: Tensor) -> Tensor:
    """L1 between the horizontal and vertical differences of two pictures."""
    error = output - target
    return error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()


def vae_loss(vae: AutoencoderKL, pictures: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Reconstruction with a little latent noise, and latents held near unit scale."""
    moments = vae.encoder(pictures)
    mean, logvar = moments.chunk(2, dim=1)
    output = vae.decoder(mean + LATENT_NOISE * torch.randn_like(mean))
    l1 = l1_loss(output, pictures)
    gradient = gradient_l1(output, pictures)
    centre = mean.mean(dim=(0, 2, 3)).square().mean()
    spread = (mean.square().mean(dim=(0, 2, 3)) - 1).square().mean()
    fixed = (logvar - 2 * float(np.log(LATENT_NOISE))).square().mean()
    loss = l1 + 0.5 * gradient + 0.01 * (centre + spread) + 1e-4 * fixed
    psnr = -10 * torch.log10(((output.clamp(-1, 1) - pictures) / 2).square().mean())
    return loss, {"l1": l1.detach(), "gradient": gradient.detach(), "psnr": psnr.detach()}


def train_vae(work: Path, seconds: float, seed: int, team: Team) -> None:
    """Trains for a given time, resuming from `vae.safetensors` when there is one."""
    torch.manual_seed(seed)
    pictures = load_pictures(work)
    vae = build_vae(VaeSizes()).to(memory_format=torch.channels_last)
    matrices, rest = split_parameters(vae, ("conv_in", "conv_out"))
    optimisers = Optimisers.build(matrices, rest, muon_lr=0.02, adam_lr=2e-3, team=team)
    average = Average(vae, 0.998)
    run = Run(vae, optimisers, average, work / CHECKPOINT, Log(work / "vae.csv"), team, seed)
    source = CropSource(pictures, run.seed)
    for progress in run.lasting(seconds):
        phase = next(phase for phase in PHASES if progress < phase.until)
        batch = source.draw(phase.batch, phase.side_px).contiguous(memory_format=torch.channels_last)
        loss, values = vae_loss(vae, batch)
        if run.advance(loss, values, decay=0.6, save_every_s=CHECKPOINT_EVERY_S):
            vae_sheet(load_vae(work), pictures, work / "vae.png")


def load_pictures(work: Path) -> Tensor:
    """The decoded pictures, (N, 256, 256, 4) uint8, mapped from disk."""
    return torch.from_numpy(np.load(work / "items.npy", mmap_mode="c"))


def load_vae(work: Path) -> AutoencoderKL:
    """The averaged autoencoder of the checkpoints, ready to use."""
    vae = build_vae(VaeSizes())
    vae.load_state_dict(load_checkpoint(work / CHECKPOINT)["average"]["values"])
    if (work / DECODER_CHECKPOINT).exists():
        vae.decoder.load_state_dict(load_checkpoint(work / DECODER_CHECKPOINT)["average"]["values"])
    return vae.eval().requires_grad_(False).to(memory_format=torch.channels_last)


@torch.no_grad()
def vae_sheet(vae: AutoencoderKL, pictures: Tensor, path: Path) -> None:
    """Writes originals above their reconstructions."""
    source = CropSource(pictures, 1)
    batch = torch.stack([pictures[i * 191 % len(pictures)] for i in range(6)])
    originals = source.composite(batch.permute(0, 3, 1, 2).float() / 255) * 2 - 1
    outputs = vae.decoder(vae.encoder(originals).chunk(2, dim=1)[0]).clamp(-1, 1)
    rows = torch.cat([torch.cat(list(row), dim=2) for row in (originals, outputs)], dim=1)
    array = ((rows + 1) * 127.5).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(path)
