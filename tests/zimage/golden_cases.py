"""What no peer can be asked for, with weights from a fixed seed; the expected values are in `goldens.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn
from zimage.autoencoder import AutoencoderKL
from zimage.inputs import plain_batch
from zimage.sampling import Guidance, Step, build_velocity, denoise
from zimage.scheduler import FlowMatchEulerDiscreteScheduler, linear_sigmas
from zimage.sequence import Patch
from zimage.tiling import Tiles
from zimage.transformer import ZImageTransformer2DModel

from tests.zimage.peers import TINY

Model = TypeVar("Model", bound=nn.Module)

FILE = Path(__file__).with_name("goldens.json")
KEPT = 24
VAE = {
    "block_out_channels": (8, 16, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 3,
    "up_block_types": ("UpDecoderBlock2D",) * 3,
    "norm_num_groups": 4,
}


@torch.no_grad()
def compute() -> dict[str, list[float]]:
    """Returns some values of each case, spread over all of it."""
    return {name: _spread(tensor) for name, tensor in _cases().items()}


def read() -> dict[str, list[float]]:
    """Returns the values that are expected."""
    return json.loads(FILE.read_text("utf-8"))


def _cases() -> dict[str, Tensor]:
    vae = _seeded(AutoencoderKL(**VAE))
    steps: list[Step] = []
    latents = _sample(_seeded(ZImageTransformer2DModel(**TINY)), steps)
    return {
        "decode in tiles": vae.decode(_noise(1, 16, 12, 7), Tiles(6, 2)),
        "encode in tiles": vae.encode(_noise(1, 3, 48, 28), Tiles(6, 2)).sample(_generator()),
        "guided latents of a ragged batch": latents,
        "estimate after the first step": steps[0].estimate,
        "a patch of a batch with a mask": _ragged(_seeded(ZImageTransformer2DModel(**TINY))),
    }


def _sample(model: ZImageTransformer2DModel, steps: list[Step]) -> Tensor:
    scheduler = FlowMatchEulerDiscreteScheduler()
    sigmas = scheduler.sigmas(linear_sigmas(4), n_tokens=16)
    positive, negative = [_noise(5, 24), _noise(40, 24)], [_noise(33, 24), _noise(2, 24)]
    guidance = Guidance(scale=3.0, truncation=0.4, normalisation=1.2)
    velocity = build_velocity(model, scheduler.times(sigmas), positive, negative, guidance, (8, 8))
    return denoise(_noise(2, 16, 8, 8), sigmas, velocity, steps.append)


def _ragged(model: ZImageTransformer2DModel) -> Tensor:
    images = [_noise(16, 1, 8, 8), _noise(16, 1, 4, 6)]
    batch = plain_batch([(1, 8, 8), (1, 4, 6)], [_noise(5, 24), _noise(70, 24)], Patch())
    predictions = model.predict(images, model.modulate(torch.tensor([0.2, 0.7])), model.prepare(batch))
    return torch.cat([prediction.flatten() for prediction in predictions])


def _seeded(model: Model) -> Model:
    generator = _generator()
    for name, parameter in model.named_parameters():
        if "norm" in name:
            parameter.data.uniform_(0.5, 1.5, generator=generator)
        else:
            parameter.data.normal_(std=parameter[0].numel() ** -0.5, generator=generator)
    return model.eval()


def _noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=_generator())


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(sum(b"zimage"))


def _spread(tensor: Tensor) -> list[float]:
    values = tensor.flatten()
    return [round(value, 7) for value in values[:: max(1, len(values) // KEPT)][:KEPT].tolist()]
