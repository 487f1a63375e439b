"""A tiny model of the Omni variant, in the published layout: random weights, and a small SigLIP 2 beside them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from zimage.transformer import ZImageTransformer2DModel

SIGLIP_WIDTH = 32


def make_omni(nano: Path, folder: Path) -> Path:
    """Writes one from a folder of the small model; the transformer is drawn anew, the other parts are copied."""
    import transformers
    from transformers import Siglip2VisionConfig, Siglip2VisionModel

    shutil.copytree(nano, folder)
    config_file = folder / "transformer" / "config.json"
    config = {**json.loads(config_file.read_text()), "siglip_feat_dim": SIGLIP_WIDTH}
    config_file.write_text(json.dumps(config))
    torch.manual_seed(0)
    model = ZImageTransformer2DModel(**{name: value for name, value in config.items() if not name.startswith("_")})
    tensors = {
        name: torch.randn_like(value) * (0.2 if value.ndim == 1 or "pad" in name else value.shape[-1] ** -0.5)
        for name, value in model.state_dict().items()
    }
    for file in (folder / "transformer").glob("*.safetensors*"):
        file.unlink()
    save_file(tensors, folder / "transformer" / "diffusion_pytorch_model.safetensors")
    tower = Siglip2VisionConfig(
        hidden_size=SIGLIP_WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_patches=64
    )
    Siglip2VisionModel(tower).save_pretrained(folder / "siglip")
    processor = transformers.Siglip2ImageProcessorPil(max_num_patches=64)
    processor.save_pretrained(folder / "siglip_processor")
    index_file = folder / "model_index.json"
    parts = {
        "siglip": ["transformers", "Siglip2VisionModel"],
        "siglip_processor": ["transformers", "Siglip2ImageProcessorPil"],
    }
    index = {**json.loads(index_file.read_text()), "_class_name": "ZImageOmniPipeline", **parts}
    index_file.write_text(json.dumps(index))
    return folder
