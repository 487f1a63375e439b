"""Small files of weights, cut out of a model folder, as other programs keep them."""

from __future__ import annotations

import os
from pathlib import Path


def save_transformer(model: Path, file: Path, prefix: str = "") -> Path:
    """Writes a folder's transformer as one file with fused projections."""
    import torch
    from safetensors.torch import save_file
    from zimage.weights.checkpoint import open_checkpoint
    from zimage.weights.names.single_file import from_published

    packed = from_published(open_checkpoint(model / "transformer"))
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({prefix + name: torch.cat([piece.read() for piece in own]) for name, own in packed.items()}, file)
    return file


def save_text_encoder(model: Path, file: Path) -> Path:
    """Writes a folder's text encoder as one file."""
    from safetensors.torch import load_file, save_file

    [source] = (model / "text_encoder").glob("*.safetensors")
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(load_file(source), file)
    return file


def save_vae(file: Path) -> Path:
    """Writes a small autoencoder, encoder and decoder, of random values."""
    from safetensors.torch import save_file
    from zimage.autoencoder import AutoencoderKL
    from zimage.config import VaeConfig

    config = VaeConfig(block_out_channels=(32, 32, 32, 32), layers_per_block=1)
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(AutoencoderKL(**config.to_dict()).state_dict(), file)
    return file


def save_control(model: Path, file: Path, kind: str = "2.1", seed: int = 0) -> Path:
    """Writes a ControlNet of random values for a folder's transformer."""
    import torch
    from safetensors.torch import save_file
    from zimage.adapters.control_kinds import KINDS
    from zimage.adapters.controlnet import ControlNet
    from zimage.config import TransformerConfig

    [chosen] = [known for known in KINDS if known.name == kind]
    torch.manual_seed(seed)
    net = ControlNet(chosen, TransformerConfig.from_file(model / "transformer" / "config.json"))
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(net.state_dict(), file)
    return file


def save_control_header(file: Path, *, layers: int, channels: int = 33, dim: int = 3840) -> Path:
    """Writes what tells a ControlNet of the published width, without its blocks."""
    import torch
    from safetensors.torch import save_file

    tensors = {"control_all_x_embedder.2-1.weight": torch.zeros(dim, 4 * channels, dtype=torch.bfloat16)}
    tensors |= {f"control_layers.{index}.after_proj.bias": torch.zeros(2) for index in range(layers)}
    tensors |= {f"control_noise_refiner.{index}.after_proj.weight": torch.zeros(2, 2) for index in range(2)}
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file)
    return file


def save_foreign(file: Path, name: str = "double_blocks.0.img_attn.qkv.weight") -> Path:
    """Writes a file of another family."""
    import torch
    from safetensors.torch import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.zeros(2, 2)}, file)
    return file


def touch_again(file: Path) -> None:
    """Lets a file look as if it were written anew."""
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
