"""Reads a published folder into the parts that the fast forwards work on."""

from pathlib import Path

import torch
from diffusers import AutoencoderKL, ZImageTransformer2DModel
from transformers import Qwen2Tokenizer, Qwen3Model

from training.nano.sampling import Parts


def load_folder(folder: Path) -> Parts:
    """Opens the weights of a local folder in float32; nothing is downloaded."""
    vae = AutoencoderKL.from_pretrained(folder / "vae", local_files_only=True, dtype=torch.float32)
    transformer = ZImageTransformer2DModel.from_pretrained(
        folder / "transformer", local_files_only=True, dtype=torch.float32
    )
    text_encoder = Qwen3Model.from_pretrained(folder / "text_encoder", local_files_only=True, dtype=torch.float32)
    return Parts(
        Qwen2Tokenizer.from_pretrained(folder / "tokenizer", local_files_only=True),
        text_encoder.eval().requires_grad_(False),
        transformer.eval().requires_grad_(False),
        vae.eval().requires_grad_(False).to(memory_format=torch.channels_last),
        vae.config.scaling_factor,
        vae.config.shift_factor,
    )
