"""Model folders of any size in the published layout, with random weights: what speed and memory are measured on.

python bench/random_model.py medium FOLDER
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Z-Image" / "src"))

from zimage.autoencoder import AutoencoderKL  # noqa: E402
from zimage.config import SchedulerConfig, TransformerConfig, VaeConfig  # noqa: E402
from zimage.transformer import ZImageTransformer2DModel  # noqa: E402

NANO = ROOT / "Z-Image" / "ckpts" / "zimage-nano"


@dataclass(frozen=True)
class Sizes:
    """What the parts are built from; the defaults are Turbo's."""

    transformer: TransformerConfig = field(default_factory=TransformerConfig)
    vae: VaeConfig = field(default_factory=VaeConfig)
    text: dict[str, Any] = field(
        default_factory=lambda: {
            "hidden_size": 2560, "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8,
            "head_dim": 128, "intermediate_size": 9728, "vocab_size": 151936,
        }
    )  # fmt: skip


def medium() -> Sizes:
    """About a billion parameters, shared out between the parts as in Turbo; the autoencoder is Turbo's own."""
    return Sizes(
        transformer=TransformerConfig(dim=1536, n_heads=12, n_kv_heads=12, n_layers=14, cap_feat_dim=1024),
        text={
            "hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16, "num_key_value_heads": 8,
            "head_dim": 128, "intermediate_size": 3072, "vocab_size": 8192,
        },
    )  # fmt: skip


def tiny() -> Sizes:
    """For trying a script."""
    return Sizes(
        transformer=TransformerConfig(
            dim=64, n_heads=2, n_kv_heads=2, n_layers=2, n_refiner_layers=1, cap_feat_dim=32, axes_dims=(8, 12, 12)
        ),
        vae=VaeConfig(block_out_channels=(32, 32, 32, 32), layers_per_block=1),
        text={
            "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
            "head_dim": 16, "intermediate_size": 64, "vocab_size": 8192,
        },
    )  # fmt: skip


SIZES = {"full": Sizes, "medium": medium, "tiny": tiny}


def write_random_model(sizes: Sizes, folder: Path, dtype: torch.dtype, seed: int = 0) -> int:
    """Writes a folder that both engines open; returns the number of parameters."""
    from transformers import Qwen3Config, Qwen3Model

    generator = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        transformer = ZImageTransformer2DModel(**sizes.transformer.to_dict())
        vae = AutoencoderKL(**sizes.vae.to_dict())
        config = Qwen3Config(
            **sizes.text, tie_word_embeddings=True, rope_parameters={"rope_type": "default", "rope_theta": 1e6}
        )
        text = Qwen3Model(config)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(NANO / "tokenizer", folder / "tokenizer")
    shutil.copy(NANO / "model_index.json", folder)
    _write_json(folder / "scheduler" / "scheduler_config.json", SchedulerConfig().to_dict(), None)
    _write_json(folder / "transformer" / "config.json", sizes.transformer.to_dict(), "ZImageTransformer2DModel")
    _write_json(folder / "vae" / "config.json", sizes.vae.to_dict(), "AutoencoderKL")
    config.save_pretrained(folder / "text_encoder")
    files = {
        "transformer/diffusion_pytorch_model": transformer,
        "vae/diffusion_pytorch_model": vae,
        "text_encoder/model": text,
    }
    for name, model in files.items():
        save_file(random_weights(model, dtype, generator), folder / f"{name}.safetensors", {"format": "pt"})
    return sum(parameter.numel() for model in files.values() for parameter in model.parameters())


def random_weights(model: nn.Module, dtype: torch.dtype, generator: torch.Generator) -> dict[str, Tensor]:
    """Returns weights of a scale at which activations neither die nor explode."""
    return {name: _random(name, tensor, generator).to(dtype) for name, tensor in model.state_dict().items()}


def _random(name: str, tensor: Tensor, generator: torch.Generator) -> Tensor:
    if tensor.ndim == 1:
        return torch.zeros(tensor.shape) if name.endswith("bias") else torch.ones(tensor.shape)
    return torch.randn(tensor.shape, generator=generator) * tensor[0].numel() ** -0.5


def _write_json(file: Path, values: dict[str, Any], class_name: str | None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"_class_name": class_name, **values} if class_name else values, indent=2), "utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dtype", choices=("bfloat16", "float32"), default="bfloat16")
    options = parser.parse_args()
    count = write_random_model(SIZES[options.size](), options.folder, getattr(torch, options.dtype))
    print(f"{count / 1e9:.2f} B parameters in {options.folder}")


if __name__ == "__main__":
    main()
