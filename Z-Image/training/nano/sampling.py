"""Pictures from captions through the fast forwards: what diffusers' pipeline would draw."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from torch import Tensor
from transformers import Qwen2Tokenizer, Qwen3Model

from training.nano.layout import LATENT_CHANNELS, SHIFT
from training.nano.text.forward import encode_ids
from training.nano.text.tokenizer import as_chat
from training.nano.transformer.forward import SEQUENCE_MULTIPLE, forward

STEPS = 9
LATENT_PX = 16


@dataclass(frozen=True)
class Parts:
    """The model's parts, ready to use."""

    tokenizer: Qwen2Tokenizer
    text_encoder: Qwen3Model
    transformer: ZImageTransformer2DModel
    vae: AutoencoderKL
    scale: float
    shift: float


def schedule(steps: int = STEPS, shift: float = SHIFT) -> Tensor:
    """The points of the schedule from 1 to 0, (steps,)."""
    linear = torch.linspace(1, 0, steps)
    return shift * linear / (1 + (shift - 1) * linear)


def tokenize(tokenizer: Qwen2Tokenizer, captions: Sequence[str]) -> tuple[Tensor, Tensor]:
    """Token ids padded on the right, (B, S), and their lengths, (B,)."""
    rows = tokenizer([as_chat(caption) for caption in captions]).input_ids
    lengths = torch.tensor([len(row) for row in rows])
    ids = torch.zeros(len(rows), int(lengths.max()), dtype=torch.long)
    for row, values in zip(ids, rows, strict=True):
        row[: len(values)] = torch.tensor(values)
    return ids, lengths


@torch.no_grad()
def features_of(text_encoder: Qwen3Model, ids: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Features padded to a multiple of 32, (B, S, hidden), and which are real, (B, S)."""
    padded = -(-ids.shape[1] // SEQUENCE_MULTIPLE) * SEQUENCE_MULTIPLE
    features = torch.nn.functional.pad(encode_ids(text_encoder, ids), (0, 0, 0, padded - ids.shape[1]))
    return features, torch.arange(padded) < lengths[:, None]


def noise_of(seeds: Sequence[int], height_px: int, width_px: int) -> Tensor:
    """The noise that the pipeline draws for each seed, (B, 16, H, W)."""
    shape = (1, LATENT_CHANNELS, height_px // LATENT_PX, width_px // LATENT_PX)
    return torch.cat([torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds])


@torch.no_grad()
def denoise(model: ZImageTransformer2DModel, noise: Tensor, features: Tensor, real: Tensor) -> Tensor:
    """Eight Euler steps at guidance 0."""
    sigmas = schedule()
    latents = noise
    for sigma, following in pairwise(sigmas):
        output = forward(model, latents, (1 - sigma).expand(len(latents)), features, real)
        latents = latents - (following - sigma) * output
    return latents


@torch.no_grad()
def decode(parts: Parts, latents: Tensor) -> Tensor:
    """Unit latents to pictures, (B, 3, H, W) in 0..1."""
    raw = (latents / parts.scale + parts.shift).contiguous(memory_format=torch.channels_last)
    return (parts.vae.decoder(raw) / 2 + 0.5).clamp(0, 1)  # type: ignore[no-any-return]


def same_length_groups(lengths: Tensor) -> list[Tensor]:
    """Indices of captions that pad to the same multiple of 32."""
    padded = (lengths + SEQUENCE_MULTIPLE - 1) // SEQUENCE_MULTIPLE
    return [(padded == value).nonzero()[:, 0] for value in torch.unique(padded)]


def draw(parts: Parts, captions: Sequence[str], seeds: Sequence[int], height_px: int, width_px: int) -> Tensor:
    """Pictures of the captions, (B, 3, height, width) in 0..1."""
    ids, lengths = tokenize(parts.tokenizer, captions)
    noise = noise_of(seeds, height_px, width_px)
    pictures = torch.empty(len(captions), 3, height_px, width_px)
    for index in same_length_groups(lengths):
        longest = int(lengths[index].max())
        features, real = features_of(parts.text_encoder, ids[index, :longest], lengths[index])
        pictures[index] = decode(parts, denoise(parts.transformer, noise[index], features, real))
    return pictures
