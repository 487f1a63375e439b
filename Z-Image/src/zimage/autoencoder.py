"""The autoencoder: images to latents an eighth (for the embedded model a sixteenth) of their side, and back.

A convolutional encoder and its mirror image (arXiv 2112.10752); each level halves or doubles the side, and one
attention sits in the middle. Names and shapes are those of the published `vae/`.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zimage.config import VaeConfig
from zimage.residency.stream import WeightStream
from zimage.tiling import Tiles, map_tiles

NORM_EPS = 1e-6
LOG_VARIANCE_RANGE = (-30.0, 20.0)


@dataclass(frozen=True)
class LatentDistribution:
    """Posterior of the latents: independent normal distributions, (B, C, h, w)."""

    mean: Tensor
    log_variance: Tensor

    def mode(self) -> Tensor:
        """Returns the mode: the mean."""
        return self.mean

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Samples latents; the noise comes from the generator's device."""
        device = self.mean.device if generator is None else generator.device
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype, device=device)
        return self.mean + torch.exp(0.5 * self.log_variance) * noise.to(self.mean.device)


class ResnetBlock(nn.Module):
    """Residual block of two 3 × 3 convolutions."""

    def __init__(self, in_channels: int, out_channels: int, groups: int) -> None:
        super().__init__()
        self.norm1 = nn.GroupNorm(groups, in_channels, eps=NORM_EPS)
        self.conv1 = _conv3(in_channels, out_channels)
        self.norm2 = nn.GroupNorm(groups, out_channels, eps=NORM_EPS)
        self.conv2 = _conv3(out_channels, out_channels)
        self.conv_shortcut = nn.Identity() if in_channels == out_channels else nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) → (B, out_channels, H, W)."""
        h = self.conv1(F.silu(self.norm1(x), inplace=True))
        h = self.conv2(F.silu(self.norm2(h), inplace=True))
        added: Tensor = h.add_(self.conv_shortcut(x))  # in place: a level's tensors are what fills the memory
        return added


class PixelAttention(nn.Module):
    """Single-head self-attention over all pixels."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.group_norm = nn.GroupNorm(groups, channels, eps=NORM_EPS)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        places = self.group_norm(x).flatten(2).transpose(1, 2)  # (B, H·W, C)
        query, key, value = (project(places).unsqueeze(1) for project in (self.to_q, self.to_k, self.to_v))
        mixed = self.to_out[0](F.scaled_dot_product_attention(query, key, value).squeeze(1))
        added: Tensor = x + mixed.transpose(1, 2).reshape(x.shape)
        return added


class MidBlock(nn.Module):
    """Middle block: two residual blocks, with attention in between."""

    def __init__(self, channels: int, groups: int, *, attention: bool) -> None:
        super().__init__()
        self.resnets = nn.ModuleList(ResnetBlock(channels, channels, groups) for _ in range(2))
        self.attentions = nn.ModuleList([PixelAttention(channels, groups)] if attention else [])

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) to the same shape."""
        return _chain((self.resnets[0], *self.attentions, self.resnets[1]), x)


class Downsample(nn.Module):
    """Strided convolution that halves the sides; pads right and bottom only."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) → (B, C, H / 2, W / 2)."""
        halved: Tensor = self.conv(F.pad(x, (0, 1, 0, 1)))
        return halved


class Upsample(nn.Module):
    """Nearest-neighbour upsampling by 2, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv3(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, C, H, W) → (B, C, 2 H, 2 W)."""
        if x.device.type == "cpu":
            return upsampled_conv(x, self.conv.weight, self.conv.bias)
        doubled: Tensor = self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))
        return doubled


class DownBlock(nn.Module):
    """One level of the encoder."""

    def __init__(self, in_channels: int, out_channels: int, config: VaeConfig, *, halve: bool) -> None:
        super().__init__()
        self.resnets = _resnets(in_channels, out_channels, config.layers_per_block, config.norm_num_groups)
        self.downsamplers = nn.ModuleList([Downsample(out_channels)] if halve else [])

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) → (B, out_channels, H / 2, W / 2).

        The last level keeps H and W.
        """
        return _chain((*self.resnets, *self.downsamplers), x)


class UpBlock(nn.Module):
    """One level of the decoder: one residual block more than the encoder has."""

    def __init__(self, in_channels: int, out_channels: int, config: VaeConfig, *, double: bool) -> None:
        super().__init__()
        self.resnets = _resnets(in_channels, out_channels, config.layers_per_block + 1, config.norm_num_groups)
        self.upsamplers = nn.ModuleList([Upsample(out_channels)] if double else [])

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, in_channels, H, W) → (B, out_channels, 2 H, 2 W).

        The last level keeps H and W.
        """
        return _chain((*self.resnets, *self.upsamplers), x)


class Encoder(nn.Module):
    """Images to mean and log-variance of the latents."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths, groups = config.block_out_channels, config.norm_num_groups
        last = len(widths) - 1
        self.conv_in = _conv3(config.in_channels, widths[0])
        self.down_blocks = nn.ModuleList(
            DownBlock(widths[max(level - 1, 0)], width, config, halve=level < last)
            for level, width in enumerate(widths)
        )
        self.mid_block = MidBlock(widths[-1], groups, attention=config.mid_block_add_attention)
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=NORM_EPS)
        self.conv_out = _conv3(widths[-1], 2 * config.latent_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (B, 3, H, W) → (B, 2 · latent_channels, h, w)."""
        x = self.mid_block(_chain(self.down_blocks, self.conv_in(x)))
        moments: Tensor = self.conv_out(F.silu(self.conv_norm_out(x), inplace=True))
        return moments


class Decoder(nn.Module):
    """Latents to images."""

    def __init__(self, config: VaeConfig) -> None:
        super().__init__()
        widths, groups = config.block_out_channels[::-1], config.norm_num_groups
        last = len(widths) - 1
        self.conv_in = _conv3(config.latent_channels, widths[0])
        self.mid_block = MidBlock(widths[0], groups, attention=config.mid_block_add_attention)
        self.up_blocks = nn.ModuleList(
            UpBlock(widths[max(level - 1, 0)], width, config, double=level < last) for level, width in enumerate(widths)
        )
        self.conv_norm_out = nn.GroupNorm(groups, widths[-1], eps=NORM_EPS)
        self.conv_out = _conv3(widths[-1], config.out_channels)

    def forward(self, z: Tensor) -> Tensor:
        """Maps (B, latent_channels, h, w) → (B, 3, H, W)."""
        x = _chain(self.up_blocks, self.mid_block(self.conv_in(z)))
        image: Tensor = self.conv_out(F.silu(self.conv_norm_out(x), inplace=True))
        return image


class AutoencoderKL(nn.Module):
    """VAE: encoder, decoder, and the scaling of latents for the transformer.

    Attributes:
        stream: what brings the weights to the device while they are used; None where they stay there.
    """

    stream: WeightStream | None = None

    def __init__(self, **published_config: object) -> None:
        """Builds the model from the entries of `vae/config.json`; missing ones are those of Turbo.

        Raises:
            ConfigError: an entry is unknown or impossible.
        """
        super().__init__()
        self.config = config = VaeConfig.from_dict(published_config)
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        both = 2 * config.latent_channels
        self.quant_conv = nn.Conv2d(both, both, 1) if config.use_quant_conv else nn.Identity()
        latent = config.latent_channels
        self.post_quant_conv = nn.Conv2d(latent, latent, 1) if config.use_post_quant_conv else nn.Identity()

    @property
    def dtype(self) -> torch.dtype:
        """Dtype of the weights."""
        return self.decoder.conv_in.weight.dtype

    def encode(self, images: Tensor, tiles: Tiles | None = None) -> LatentDistribution:
        """Encodes images.

        Args:
            images: (B, 3, H, W) in −1…1; sides are multiples of `config.size_multiple`.
            tiles: tile size in latents; bounds memory, with small differences between tiles.

        Raises:
            ValueError: a side is not a multiple of `config.size_multiple`.
        """
        multiple = self.config.size_multiple
        if any(side % multiple or not side for side in images.shape[-2:]):
            raise ValueError(f"sides must be multiples of {multiple}, got {tuple(images.shape[-2:])}")
        with self._present():
            moments = map_tiles(self._encode, images, tiles, in_step=multiple, out_step=1)
        mean, log_variance = moments.chunk(2, dim=1)
        return LatentDistribution(mean, log_variance.clamp(*LOG_VARIANCE_RANGE))

    def decode(self, latents: Tensor, tiles: Tiles | None = None) -> Tensor:
        """Decodes unscaled latents: (B, C, h, w) → (B, 3, H, W), about −1…1.

        Args:
            latents: in the dtype of the weights.
            tiles: tile size in latents; bounds memory, with small differences between tiles.
        """
        with self._present():
            return map_tiles(self._decode, latents, tiles, in_step=1, out_step=self.config.size_multiple)

    def normalise(self, latents: Tensor) -> Tensor:
        """Scales encoder latents for the transformer: (latents − shift) · scale."""
        return (latents - (self.config.shift_factor or 0.0)) * self.config.scaling_factor

    def denormalise(self, latents: Tensor) -> Tensor:
        """Inverse of `normalise`."""
        return latents / self.config.scaling_factor + (self.config.shift_factor or 0.0)

    def _present(self) -> AbstractContextManager[None]:
        return nullcontext() if self.stream is None else self.stream.present(self)

    def _encode(self, images: Tensor) -> Tensor:
        moments: Tensor = self.quant_conv(self.encoder(images))
        return moments

    def _decode(self, latents: Tensor) -> Tensor:
        images: Tensor = self.decoder(self.post_quant_conv(latents))
        return images


def upsampled_conv(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """Nearest-neighbour upsampling by 2 and a 3 × 3 convolution, fused.

    Two of the three rows under a kernel are copies of one pixel row. Their weights are summed beforehand. Each output
    pixel then needs a 2 × 2 kernel: 16 products instead of 36. The four kernels side by side are the 4 × 4 kernel of a
    transposed convolution. It takes half the time on a CPU; accelerators have not been measured.

    Args:
        x: (B, C, H, W).
        weight: (D, C, 3, 3).
        bias: (D,).

    Returns:
        (B, D, 2 H, 2 W), in the memory layout of x.
    """
    wide = weight.float() if weight.dtype == torch.bfloat16 else weight  # so that the sums are rounded once
    kernel = _spread(_spread(wide, 2), 3).to(weight.dtype).transpose(0, 1)  # (C, D, 4, 4)
    return F.conv_transpose2d(x, kernel, bias, stride=2, padding=1)


def _spread(weight: Tensor, axis: int) -> Tensor:
    """Sums a 3-tap kernel into the 4 taps of the transposed one, along an axis."""
    before, at, after = weight.unbind(axis)
    return torch.stack((after, at + after, before + at, before), axis)


def _conv3(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


def _resnets(in_channels: int, out_channels: int, n_blocks: int, groups: int) -> nn.ModuleList:
    widths = [in_channels] + [out_channels] * n_blocks
    return nn.ModuleList(ResnetBlock(widths[i], widths[i + 1], groups) for i in range(n_blocks))


def _chain(modules: Iterable[nn.Module], x: Tensor) -> Tensor:
    for module in modules:
        x = module(x)
    return x
