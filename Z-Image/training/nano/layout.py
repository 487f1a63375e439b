"""The published folder layout: configurations, builders and the writer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    FlowMatchEulerDiscreteScheduler,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

LATENT_CHANNELS = 16
HEAD_DIM = 64
AXES_DIMS = (16, 24, 24)
SHIFT = 3.0
LEARNED_LAYERS = 3  # of the text encoder, which learn the scene; the next two draw drafts
LOUDNESS = 1 / 36  # of the learned layers' registers, so that the next ones need not shout


@dataclass(frozen=True)
class VaeSizes:
    """Widths of the five levels; 16 pixels a latent."""

    channels: tuple[int, ...] = (8, 16, 48, 96, 160)
    norm_groups: int = 4


@dataclass(frozen=True)
class TextSizes:
    """The text encoder; its last layer is never read, as in Z-Image."""

    hidden: int = 256
    intermediate: int = 1632
    layers: int = 6
    heads: int = 4


@dataclass(frozen=True)
class TransformerSizes:
    """The diffusion transformer; heads of 64, so `dim` is a multiple of 64."""

    dim: int = 256
    layers: int = 5
    refiner_layers: int = 1


@dataclass(frozen=True)
class CatalogueEntry:
    """What the application shows about the model."""

    name: str
    demo: bool
    size_multiple: int
    sizes: tuple[tuple[int, int], ...]
    default_steps: int
    guidance_scale: float
    description: dict[str, str]


ENTRY = CatalogueEntry(
    name="zimage-nano",
    demo=True,
    size_multiple=32,
    sizes=((256, 256), (384, 256), (256, 384)),  # what the published weights draw well; the recipe trains more
    default_steps=9,
    guidance_scale=0.0,
    description={
        "en": "A small demo model that is always there: friendly 3D icons of some 1,400 things, one to four at a time, "
        "on twelve backgrounds, asked for in plain English or Chinese, in about a second on a laptop processor.",
        "zh": "随附的小型演示模型：用日常的中文或英文，即可绘制约 1,400 种事物的 3D 图标，一次一到四个，有十二种背景，"
        "笔记本电脑的处理器约一秒出图。",
    },
)


def build_vae(sizes: VaeSizes) -> AutoencoderKL:
    """AutoencoderKL, 16 latent channels."""
    levels = len(sizes.channels)
    return AutoencoderKL(
        in_channels=3,
        out_channels=3,
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=sizes.channels,
        layers_per_block=1,
        latent_channels=LATENT_CHANNELS,
        norm_num_groups=sizes.norm_groups,
        sample_size=256,
        use_quant_conv=False,
        use_post_quant_conv=False,
        force_upcast=False,
        scaling_factor=1.0,
        shift_factor=0.0,
    )


def build_text_encoder(sizes: TextSizes, vocab_size: int) -> Qwen3Model:
    """Qwen3Model with heads of 64 and as many key-value heads as heads."""
    config = Qwen3Config(
        vocab_size=vocab_size,
        hidden_size=sizes.hidden,
        intermediate_size=sizes.intermediate,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.heads,
        head_dim=HEAD_DIM,
        max_position_embeddings=1024,
        rope_parameters={"rope_type": "default", "rope_theta": 10_000.0},
        tie_word_embeddings=True,
        use_cache=False,
    )
    return Qwen3Model(config)


def build_transformer(sizes: TransformerSizes, text_hidden: int) -> ZImageTransformer2DModel:
    """ZImageTransformer2DModel for features of width `text_hidden`."""
    return ZImageTransformer2DModel(
        in_channels=LATENT_CHANNELS,
        dim=sizes.dim,
        n_layers=sizes.layers,
        n_refiner_layers=sizes.refiner_layers,
        n_heads=sizes.dim // HEAD_DIM,
        n_kv_heads=sizes.dim // HEAD_DIM,
        cap_feat_dim=text_hidden,
        axes_dims=list(AXES_DIMS),
        axes_lens=[1024, 512, 512],
    )


def build_scheduler() -> FlowMatchEulerDiscreteScheduler:
    """Flow matching with a static shift, as in Turbo."""
    return FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=SHIFT)


def save_folder(
    path: Path,
    vae: AutoencoderKL,
    text_encoder: Qwen3Model,
    tokenizer: Qwen2Tokenizer,
    transformer: ZImageTransformer2DModel,
    dtype: torch.dtype = torch.float16,
) -> None:
    """Writes all parts in the published layout, and the catalogue's facts beside them."""
    pipeline = ZImagePipeline(
        scheduler=build_scheduler(),
        vae=vae.to(dtype),
        text_encoder=text_encoder.to(dtype),
        tokenizer=tokenizer,
        transformer=transformer.to(dtype),
    )
    pipeline.save_pretrained(path, safe_serialization=True)
    _write_compactly(path / "tokenizer" / "tokenizer.json")
    write_entry(path / "zimage.json")


def _write_compactly(path: Path) -> None:
    """Writes a JSON file anew without its indentation, which is more than half of a vocabulary's."""
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")


def write_entry(path: Path) -> None:
    """Writes the catalogue's facts; what others keep in the file, as the preview map, stays."""
    kept = json.loads(path.read_text("utf-8")) if path.exists() else {}
    entry = json.dumps({**kept, **asdict(ENTRY)}, ensure_ascii=False, indent=2)
    path.write_text(entry + "\n", "utf-8")
